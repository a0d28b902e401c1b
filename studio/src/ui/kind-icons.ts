import { kindForm } from "@/contract/kinds";
import type { Kind } from "@/contract/types";
import { type IconName, isIconName } from "./icon";

const NEUTRAL: IconName = "assets";

/** The icon of a kind; a neutral one if the contract names none that exists. */
export function kindIcon(kind: Kind): IconName {
  const { icon } = kindForm(kind);
  return icon !== null && isIconName(icon) ? icon : NEUTRAL;
}
