import { type InputHTMLAttributes, useState } from "react";

interface NumberInputProps
  extends Omit<InputHTMLAttributes<HTMLInputElement>, "type" | "value" | "onChange" | "onBlur"> {
  /** Null: empty. */
  value: number | null;
  /** Whether it is a whole number. */
  integer?: boolean;
  /** Null while what is typed is no number. */
  onChange(value: number | null): void;
}

/** A number that is typed: what is typed stays until one leaves, then the value is shown. */
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
