import { useState } from "react";
import type { Stroke, Strokes } from "./strokes";

/** The strokes with undo and redo. */
export interface StrokeHistory {
  canUndo: boolean;
  canRedo: boolean;
  add(stroke: Stroke): void;
  undo(): void;
  redo(): void;
}

/** Undo and redo over a list of strokes that the caller holds. A new stroke discards what was undone. */
export function useStrokeHistory(strokes: Strokes, onChange: (strokes: Strokes) => void): StrokeHistory {
  const [undone, setUndone] = useState<{ before: Strokes; rest: Strokes }>({ before: [], rest: [] });
  const last = strokes.at(-1);
  const same = strokes.length === undone.before.length && last === undone.before.at(-1);
  const rest = same ? undone.rest : [];
  const next = rest.at(-1);
  return {
    canUndo: last !== undefined,
    canRedo: next !== undefined,
    add: (stroke) => onChange([...strokes, stroke]),
    undo: () => {
      if (!last) return;
      const before = strokes.slice(0, -1);
      setUndone({ before, rest: [...rest, last] });
      onChange(before);
    },
    redo: () => {
      if (!next) return;
      const before = [...strokes, next];
      setUndone({ before, rest: rest.slice(0, -1) });
      onChange(before);
    },
  };
}
