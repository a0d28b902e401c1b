import { type ReactNode, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import { JobTray } from "@/jobs/job-tray";
import { useJobs } from "@/jobs/store";
import { Icon, type IconName, Notice } from "@/ui";
import styles from "./layout.module.css";

const NAV_ITEMS = [
  { name: "make", icon: "make", href: "/" },
  { name: "jobs", icon: "jobs", href: "/jobs" },
  { name: "assets", icon: "assets", href: "/assets" },
  { name: "settings", icon: "settings", href: "/settings" },
] as const satisfies { name: string; icon: IconName; href: string }[];

/** Whether an address belongs to a navigation item. */
function isActive(location: string, href: string): boolean {
  return href === "/" ? location === "/" || location.startsWith("/make") : location.startsWith(href);
}

/** The frame of every page: skip link, navigation, job tray. */
export function Layout({ children }: { children: ReactNode }) {
  const { t } = useTranslation("shell");
  const [location] = useLocation();
  const offline = useJobs(({ connection }) => connection === "offline");
  const main = useRef<HTMLElement>(null);
  const page = location.split("/")[1];
  const lastPage = useRef(page);
  useEffect(() => {
    if (lastPage.current === page) return;
    lastPage.current = page;
    main.current?.focus({ preventScroll: true }); // the link that led here may be gone
    scrollTo(0, 0);
  }, [page]);
  return (
    <div className={styles.layout}>
      <a className={styles.skip} href="#main">
        {t("skip")}
      </a>
      <header className={styles.head}>
        <Link href="/" className={styles.brand}>
          <img src="/icon.svg" alt="" width={28} height={28} />
          {t("name")}
        </Link>
        <nav className={styles.nav} aria-label={t("nav.label")}>
          {NAV_ITEMS.map(({ name, icon, href }) => (
            <Link
              key={name}
              href={href}
              className={styles.link ?? ""}
              aria-current={isActive(location, href) ? "page" : undefined}
            >
              <Icon name={icon} />
              {t(`nav.${name}`)}
            </Link>
          ))}
        </nav>
      </header>
      <main id="main" ref={main} className={styles.main} tabIndex={-1}>
        {offline && <Notice tone="warning" title={t("offline")} />}
        {children}
      </main>
      <JobTray />
    </div>
  );
}
