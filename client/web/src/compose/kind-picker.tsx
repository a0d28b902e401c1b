import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { KINDS } from "@/contract/schemas";
import type { Kind } from "@/contract/types";
import { Icon, type IconName } from "@/ui";
import styles from "./kind-picker.module.css";

const ICONS: Record<Kind, IconName> = {
  restyle_room: "room",
  inpaint: "brush",
  generate: "make",
  face_swap: "user",
  upscale: "zoom_in",
  find_objects: "find",
  render_video: "video",
  render_scenes: "scenes",
};

/** What can be made: a link a kind. */
export function KindPicker({ kind }: { kind: Kind }) {
  const { t } = useTranslation(["compose", "jobs"]);
  const nav = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another kind is another link to bring into sight
  useEffect(() => {
    const link = nav.current?.querySelector<HTMLElement>("[aria-current]");
    if (nav.current && link)
      nav.current.scrollLeft = link.offsetLeft - (nav.current.clientWidth - link.offsetWidth) / 2;
  }, [kind]);
  return (
    <nav ref={nav} className={styles.kinds} aria-label={t("kinds_label")}>
      {KINDS.map((one) => (
        <Link
          key={one}
          href={`/make/${one}`}
          className={styles.kind ?? ""}
          aria-current={one === kind ? "page" : undefined}
        >
          <Icon name={ICONS[one]} />
          {t(`jobs:kinds.${one}`)}
        </Link>
      ))}
    </nav>
  );
}
