/** The props of a form control for one param. */
import type { SchemaField } from "@/contract/schema-fields";
import type { JsonValue, Kind } from "@/contract/types";

/** What every control of a param is given. */
export interface ParamProps {
  kind: Kind;
  field: SchemaField;
  /** Where it is in the request, as errors name it: `params.scenes.0.prompt`. */
  path: string;
  value: JsonValue;
  /** What is wrong, by path. */
  errors: ReadonlyMap<string, string>;
  onChange(value: JsonValue): void;
}
