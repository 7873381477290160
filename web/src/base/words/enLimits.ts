/** English: what an organisation may use. */
export const enLimits = {
  "limits.title": "Limits",
  "limits.why": "What your organisation may use. Whoever runs this server can change it.",
  "limits.none": "no limit",
  "limits.rate": "{count} in {seconds} s",
  "limits.used": "most used: {used}",
  "limits.now": "{used} now",
  "limits.connections": "Connections at once",
  "limits.data_points": "Data points",
  "limits.messages": "Messages of a device",
  "limits.series": "Metrics of a device",
  "limits.attributes": "Attributes of a device",
  "limits.packet_bytes": "Bytes of an MQTT packet",
  "limits.api_per_s": "API requests a second, of a caller",
  "limits.api_burst": "API requests at once, of a caller",
} as const;
