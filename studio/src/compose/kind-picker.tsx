import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { KINDS } from "@/contract/schemas";
import type { Kind } from "@/contract/types";
import { kindTitle } from "@/messages/kind-texts";
import { Icon, kindIcon } from "@/ui";
import styles from "./kind-picker.module.css";

/** Links to the form of each kind. */
export function KindPicker({ kind }: { kind: Kind }) {
  const { t } = useTranslation("compose");
  const nav = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another kind scrolls its link into view
  useEffect(() => {
    const link = nav.current?.querySelector<HTMLElement>("[aria-current]");
    if (nav.current && link)
      nav.current.scrollLeft = link.offsetLeft - (nav.current.clientWidth - link.offsetWidth) / 2;
  }, [kind]);
  return (
    <nav ref={nav} className={styles.kinds} aria-label={t("kind_picker_label")}>
      {KINDS.map((one) => (
        <Link
          key={one}
          href={`/make/${one}`}
          className={styles.kind ?? ""}
          aria-current={one === kind ? "page" : undefined}
        >
          <Icon name={kindIcon(one)} />
          {kindTitle(one, t)}
        </Link>
      ))}
    </nav>
  );
}
