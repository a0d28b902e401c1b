import { useTranslation } from "react-i18next";
import type { JsonValue } from "@/contract/types";
import { Field, IconButton, NumberInput } from "@/ui";
import styles from "./seed-field.module.css";

interface SeedFieldProps {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  value: JsonValue;
  onChange(value: JsonValue): void;
}

const SEED_COUNT = 2 ** 32;

/** A field for the random seed, from 0 to 2³² − 1, with a button for another one. */
export function SeedField({ label, hint, error, value, onChange }: SeedFieldProps) {
  const { t } = useTranslation("compose");
  return (
    <Field label={label} hint={hint} error={error}>
      {(control) => (
        <div className={styles.seed}>
          <NumberInput
            {...control}
            min={0}
            max={SEED_COUNT - 1}
            value={typeof value === "number" ? value : null}
            onChange={(number) => onChange(number && Math.min(SEED_COUNT - 1, Math.max(0, number)))}
          />
          <IconButton
            variant="secondary"
            icon="dice"
            label={t("random_seed")}
            onClick={() => onChange(crypto.getRandomValues(new Uint32Array(1))[0] ?? 0)}
          />
        </div>
      )}
    </Field>
  );
}
