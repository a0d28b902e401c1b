interface ViewerProps {
  src: string;
  width: number;
  height: number;
  name: string;
  onClose(): void;
}

/** One picture as large as the window, to look at closely. */
export function Viewer(_: ViewerProps) {
  return null;
}
