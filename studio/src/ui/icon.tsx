/** SVG paths of the icons, on a grid of 24. */
const PATHS = {
  add: "M12 5v14M5 12h14",
  again: "M4 12a8 8 0 1 1 2.3 5.6M4 18v-5h5",
  assets: "M4 5h16v14H4zM4 15l4.5-4.5 4 4L15 12l5 5M15.5 9h.01",
  back: "M15 5l-7 7 7 7",
  brush: "M20 4L9 15M9 15c-3 0-3 4-6 4 1 2 8 2 8-2z",
  check: "M5 12.5l4.5 4.5L19 7",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  cost: "M12 4v16M16 7.5c-1-1-2.4-1.5-4-1.5-5 0-5 5.5 0 6s5 6 0 6c-1.6 0-3-.5-4-1.5",
  dice: "M5 5h14v14H5zM9 9h.01M15 9h.01M12 12h.01M9 15h.01M15 15h.01",
  down: "M6 9l6 6 6-6",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  eraser: "M4 15l9-9 6 6-8 8H8zM9 20h11",
  error: "M12 8v5M12 16.5h.01M12 3l9.5 17h-19z",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  find: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M12 9a3 3 0 1 1 0 6 3 3 0 0 1 0-6z",
  hand: "M8 12V6.5a1.5 1.5 0 0 1 3 0V11V5a1.5 1.5 0 0 1 3 0v6V6.5a1.5 1.5 0 0 1 3 0V14a6 6 0 0 1-11 3.5L4 14c1-1.5 2.5-1 4 1",
  info: "M12 11v6M12 7.5h.01M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18z",
  invert: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM12 3v18M12 8h7.5M12 12h8.5M12 16h7.5",
  jobs: "M4 6h16M4 12h16M4 18h10",
  make: "M12 3l2.2 6.3L21 12l-6.8 2.7L12 21l-2.2-6.3L3 12l6.8-2.7z",
  minus: "M5 12h14",
  moon: "M20 14.5A8 8 0 0 1 9.5 4 8 8 0 1 0 20 14.5z",
  next: "M9 5l7 7-7 7",
  offline: "M3 3l18 18M5 12a10 10 0 0 1 4-2.4M19 12a10 10 0 0 0-6-2.9M8.5 15.5a5 5 0 0 1 7 0M12 19h.01",
  rectangle: "M5 6h14v12H5z",
  redo: "M15 14l5-5-5-5M20 9H9a5 5 0 0 0 0 10h3",
  room: "M4 12V9a2 2 0 0 1 2-2h12a2 2 0 0 1 2 2v3M3 12h3v3h12v-3h3v6H3zM6 18v2M18 18v2M12 7v8",
  scenes: "M4 8h11v11H4zM8 8V5h12v11h-5",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5",
  sound: "M4 10v4h4l5 4V6L8 10zM16.5 9a4 4 0 0 1 0 6M19 6.5a8 8 0 0 1 0 11",
  stop: "M7 7h10v10H7z",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5",
  undo: "M9 14L4 9l5-5M4 9h11a5 5 0 0 1 0 10h-3",
  up: "M6 15l6-6 6 6",
  upload: "M12 16V5M7 9l5-5 5 5M5 20h14",
  user: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 20c1-4 4-6 8-6s7 2 8 6",
  video: "M4 6h11v12H4zM15 10l5-3v10l-5-3",
  zoom_in: "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM15.5 15.5L20 20M10.5 8v5M8 10.5h5",
  zoom_out: "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM15.5 15.5L20 20M8 10.5h5",
} as const;

export type IconName = keyof typeof PATHS;

/** Whether a string is the name of an icon. */
export const isIconName = (name: string): name is IconName => Object.hasOwn(PATHS, name);

/** A decorative icon, hidden from screen readers. */
export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path
        d={PATHS[name]}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.8"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
