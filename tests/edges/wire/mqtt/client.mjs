// MQTT.js as a device: publishes at every quality of service, hears one message, and tells what happened in JSON lines.
import { createRequire } from "node:module"

const { connect } = createRequire(process.cwd() + "/")("mqtt")
const [port, version] = process.argv.slice(2)
const tell = (what, more) => console.log(JSON.stringify([what, more]))
const client = connect(`mqtt://127.0.0.1:${port}`, {
  protocolVersion: Number(version),
  username: "token-d",
  reconnectPeriod: 0,
  connectTimeout: 10_000,
})

client.on("message", (topic, body) => {
  tell("message", [topic, body.toString()])
  client.end()
})
client.on("error", (error) => {
  tell("error", error.message)
  client.end(true)
})
await new Promise((resolve) => client.once("connect", resolve))
for (const qos of [0, 1, 2]) await client.publishAsync("v1/devices/me/telemetry", `{"t":${qos}}`, { qos })
await client.subscribeAsync("v1/devices/me/rpc/request/+", { qos: 1 })
tell("listens", null)
