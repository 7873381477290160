/** Line icons on a 24 grid, by what they mean. */
export const icons = {
  today: "M12 3a9 9 0 1 0 9 9M12 3v9l6.4-6.4",
  places: "M4 11 12 4l8 7M6 9.500V20h12V9.500M10 20v-6h4v6",
  alerts: "M12 4l9 16H3zM12 10v4M12 17v.01",
  tasks: "M4 6l1.500 1.500L8 5M4 12l1.500 1.500L8 11M4 18l1.500 1.500L8 17M12 6h8M12 12h8M12 18h8",
  rules: "M5 5h6v5H5zM13 14h6v5h-6zM8 10v6.500h5",
  more: "M4 7h16M4 12h16M4 17h16",
  settings: "M4 8h9M17 8h3M4 16h3M11 16h9M15 6v4M9 14v4",
  system: "M3 12h4l3-7 4 14 3-7h4",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l1.500 2h-15zM10 21h4",
  docs: "M8 8l-4 4 4 4M16 8l4 4-4 4",
  device: "M7 7h10v10H7zM10 3v4M14 3v4M10 17v4M14 17v4M3 10h4M3 14h4M17 10h4M17 14h4",
  silent: "M5 10a10 10 0 0 1 3-2.200M12 7a10 10 0 0 1 7 3M8 13.500a6 6 0 0 1 2-1.200M14.500 12.600l1.500.900M12 17v.01M4 4l16 16",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  left: "M14.500 6l-6 6 6 6",
  right: "M9.500 6l6 6-6 6",
  down: "M6 9.500l6 6 6-6",
  pencil: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  close: "M6 6l12 12M18 6L6 18",
  out: "M14 4h5v16h-5M4 12h11M11 8l4 4-4 4",
} as const;
export type IconName = keyof typeof icons;
