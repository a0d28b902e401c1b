/** Assigns files that were dropped on the page, or pasted, to upload roles. */

import { objectsOf } from "@/contract/json";
import { schemaFields } from "@/contract/schema-fields";
import { paramsSchema } from "@/contract/schemas";
import type { Kind } from "@/contract/types";
import { uploadRoles } from "@/contract/upload-roles";
import { draftOf, useDrafts } from "@/drafts/draft";
import { useFileIntake } from "@/drafts/file-intake";
import { assignRoles } from "@/drafts/list-roles";
import { isSoundType } from "@/drafts/media-type";

/** Adds each file to the next free role of its media type. A kind's only picture is replaced. */
export function assignDroppedFiles(kind: Kind, files: readonly File[]): void {
  const taken = new Set(Object.keys(draftOf(useDrafts.getState(), kind).inputs));
  for (const file of files) {
    const wanted = isSoundType(file.type) ? "sound" : "picture";
    const matchingRoles = uploadRoles(kind).filter(
      ({ media, painted }) => !painted && (media === "sound") === (wanted === "sound"),
    );
    const onlyRole = matchingRoles.length === 1 ? matchingRoles[0] : undefined;
    const role =
      matchingRoles.find(({ name }) => !taken.has(name))?.name ?? onlyRole?.name ?? listRoleFor(kind, wanted);
    if (role === null) return;
    taken.add(role);
    void useFileIntake.getState().addFile(kind, role, file, wanted);
  }
}

/** The role of a list's object that has no file yet, else of a new object. Null if there is none. */
function listRoleFor(kind: Kind, wanted: "picture" | "sound"): string | null {
  const { params, inputs } = draftOf(useDrafts.getState(), kind);
  for (const { name, widget } of schemaFields(paramsSchema(kind))) {
    if (widget.type !== "list" || wanted === "sound") continue;
    const objects = objectsOf(params[name]);
    const variant = widget.variants.find(({ fields: own }) => own.some(({ name: role }) => role === "picture"));
    const { statuses } = useFileIntake.getState();
    const withoutFile = objects.find(({ picture }) => {
      return typeof picture === "string" && !inputs[picture] && !statuses[`${kind}/${picture}`]?.busy;
    });
    if (typeof withoutFile?.picture === "string") return withoutFile.picture;
    if (!variant || (widget.maxItems !== null && objects.length >= widget.maxItems)) continue;
    const withRoles = assignRoles(widget, [...objects, { [widget.discriminator]: variant.value }]);
    useDrafts.getState().setParam(kind, name, withRoles);
    const role = withRoles.at(-1)?.picture;
    return typeof role === "string" ? role : null;
  }
  return null;
}
