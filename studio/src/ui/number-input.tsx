import { type InputHTMLAttributes, useState } from "react";

interface NumberInputProps
  extends Omit<InputHTMLAttributes<HTMLInputElement>, "type" | "value" | "onChange" | "onBlur"> {
  /** Null: empty. */
  value: number | null;
  /** Whether only integers are valid. */
  integer?: boolean;
  /** Gets null while the text is no number. */
  onChange(value: number | null): void;
}

/** A number input that keeps what is typed until blur, and then shows the value. */
export function NumberInput({ value, integer = true, onChange, ...rest }: NumberInputProps) {
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <input
      step={integer ? 1 : "any"}
      {...rest}
      type="number"
      inputMode={integer ? "numeric" : "decimal"}
      value={typed ?? value ?? ""}
      onChange={(event) => {
        const number = event.target.valueAsNumber;
        setTyped(event.target.value);
        onChange(Number.isNaN(number) ? null : integer ? Math.round(number) : number);
      }}
      onBlur={() => setTyped(null)}
    />
  );
}
