import { useTranslation } from "react-i18next";
import { objectsOf } from "@/contract/json";
import { schemaFields } from "@/contract/schema-fields";
import { defaults, paramsSchema } from "@/contract/schemas";
import type { JsonObject, Kind } from "@/contract/types";
import { useDraft } from "@/drafts/use-draft";
import { type ActionForm, kindAction, kindThen } from "@/messages/kind-texts";
import { useNameLabels } from "@/messages/labels";
import { useStyleTitle } from "@/service/option-lists";
import { Button, Icon } from "@/ui";
import { focusField } from "./field-errors";
import { LOW_SHARE, useRemainingLimits } from "./limits";
import styles from "./submit-bar.module.css";
import type { SubmitBlocker } from "./submit-blockers";
import type { Photo } from "./use-photo";

interface SubmitBarProps {
  kind: Kind;
  /** What is still missing, in the order of the page. */
  blockers: readonly SubmitBlocker[];
  photo: Photo | null;
  busy: boolean;
  onSubmit(): void;
}

/** The submit button. While something is missing it says what, and focuses that field. */
export function SubmitBar({ kind, blockers, photo, busy, onSubmit }: SubmitBarProps) {
  const { t } = useTranslation("compose");
  const action = useSubmitLabel(kind, photo);
  const blockerText = useBlockerText();
  const { rate, budget } = useRemainingLimits(kind);
  const [first] = blockers;
  const rateUsedUp = rate !== null && rate.remaining === 0;
  const budgetSpent = budget === 0;
  const blocked = first !== undefined || rateUsedUp || budgetSpent;
  const explanation = first
    ? blockerText(kind, first)
    : budgetSpent
      ? t("limits.budget_spent")
      : rateUsedUp
        ? t("limits.wait", { count: rate.seconds })
        : null;
  const rateLow = rate !== null && !rateUsedUp && rate.remaining / rate.limit <= LOW_SHARE;
  return (
    <div className={styles.bar}>
      <Button
        variant="primary"
        icon="make"
        className={styles.button}
        busy={busy}
        // It stays focusable and clickable, and then focuses the missing field.
        aria-disabled={blocked || busy}
        aria-describedby="submit-why"
        onClick={() => {
          if (busy) return;
          if (first) focusField(first.path);
          else if (!blocked) onSubmit();
        }}
      >
        {busy ? t("submitting") : action}
      </Button>
      <p id="submit-why" className={styles.explanation} role="status">
        {explanation !== null ? (
          <>
            <Icon name="info" size={16} />
            {explanation}
          </>
        ) : rateLow ? (
          t("limits.remaining", { count: rate.remaining, seconds: rate.seconds })
        ) : budget !== null && budget < 0.1 ? (
          t("limits.budget_low")
        ) : (
          <span className={styles.then}>{kindThen(kind, t)}</span>
        )}
      </p>
    </div>
  );
}

/** The button's label: what will be made, with the style or the size if the kind has words for it. */
function useSubmitLabel(kind: Kind, photo: Photo | null): string {
  const { t, i18n } = useTranslation("compose");
  const { params } = useDraft(kind);
  const styleTitle = useStyleTitle(kind);
  const number = new Intl.NumberFormat(i18n.resolvedLanguage);
  const forms: ActionForm[] = ["action"];
  const values: Record<string, string | number> = { count: outputCount(kind, params) };
  if (typeof params.style === "string") {
    forms.unshift("action_with_style");
    values.style = styleTitle(params.style);
  }
  const scale = params.scale ?? defaults(kind).scale;
  if (photo !== null && typeof scale === "number") {
    forms.unshift("action_with_size");
    values.width = number.format(Math.round(photo.width * scale));
    values.height = number.format(Math.round(photo.height * scale));
  }
  return kindAction(kind, t, forms, values);
}

/** The number of pictures or scenes that a draft makes: its param `count`, or the length of its list. */
function outputCount(kind: Kind, params: JsonObject): number {
  const list = schemaFields(paramsSchema(kind)).find(({ widget }) => widget.type === "list");
  if (list !== undefined) return objectsOf(params[list.name]).length;
  return typeof params.count === "number" ? params.count : 1;
}

/** The sentence for a submit blocker. */
function useBlockerText(): (kind: Kind, blocker: SubmitBlocker) => string {
  const { t } = useTranslation("compose");
  const name = useNameLabels();
  return (kind, { reason, name: of, scene, count = 0 }) => {
    const what = t(`submit_blockers.${reason}`, { name: name(kind, of), count });
    return scene === null ? what : t("submit_blockers.in_scene", { number: scene, what });
  };
}
