interface CompareProps {
  before: string;
  after: string;
  width: number;
  height: number;
  beforeLabel?: string;
  afterLabel?: string;
}

/** Two pictures one on the other, with a line to move between them. */
export function Compare(_: CompareProps) {
  return null;
}
