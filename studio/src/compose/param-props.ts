/** The props of a form control for one param. */
import type { SchemaField } from "@/contract/schema-fields";
import type { JsonValue, Kind } from "@/contract/types";

/** The props that every param's control takes. */
export interface ParamProps {
  kind: Kind;
  field: SchemaField;
  /** The path in the request, as in errors: `params.scenes.0.prompt`. */
  path: string;
  value: JsonValue;
  /** Error messages by path. */
  errors: ReadonlyMap<string, string>;
  onChange(value: JsonValue): void;
}
