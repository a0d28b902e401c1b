import { type ReactNode, useId } from "react";
import { useTranslation } from "react-i18next";
import { LANGUAGES, type Language } from "@/messages";
import { useService } from "@/service/deployment";
import { useSession } from "@/service/session";
import { Button, Fact, Facts, RadioGroup } from "@/ui";
import { LimitsFacts } from "./limits-facts";
import { THEMES, useSettings } from "./settings";
import styles from "./settings-page.module.css";

const MEGABYTE = 2 ** 20;
const MEGAPIXEL = 1e6;

/** The settings page: theme and language, the session, and the deployment. */
export function SettingsPage() {
  const { t, i18n } = useTranslation("shell");
  const { theme, language, setTheme, setLanguage } = useSettings();
  const service = useService(({ service }) => service);
  const { username, signOut } = useSession();
  const number = new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 0 });
  const languages = Object.entries(LANGUAGES) as [Language, string][];
  return (
    <div className={styles.page}>
      <h1>{t("settings.title")}</h1>
      <Group title={t("settings.appearance")}>
        <RadioGroup
          label={t("settings.theme")}
          value={theme}
          options={THEMES.map((value) => ({ value, label: t(`settings.themes.${value}`) }))}
          onChange={setTheme}
        />
        <RadioGroup
          label={t("settings.language")}
          value={language}
          options={languages.map(([value, label]) => ({ value, label }))}
          onChange={setLanguage}
        />
      </Group>
      <Group title={t("settings.account")}>
        <p>{t("sign_in.signed_in_as", { name: username })}</p>
        <div>
          <Button icon="user" onClick={() => signOut()}>
            {t("sign_in.sign_out")}
          </Button>
        </div>
      </Group>
      <Group title={t("settings.limits")}>
        <LimitsFacts />
      </Group>
      {service && (
        <Group title={t("settings.deployment")}>
          <Facts>
            <Fact name={t("settings.deployment_name")}>{service.deployment.deployment}</Fact>
            <Fact name={t("settings.api")}>{service.deployment.api_url}</Fact>
            <Fact name={t("settings.socket")}>{service.config.socket_url}</Fact>
            <Fact name={t("settings.region")}>{service.config.region}</Fact>
            <Fact name={t("settings.issuer")}>{service.config.issuer}</Fact>
            <Fact name={t("settings.upload_limit")}>
              {t("settings.upload_limit_value", {
                megabytes: number.format(service.config.limits.max_upload_bytes / MEGABYTE),
                megapixels: number.format(service.config.limits.max_pixels / MEGAPIXEL),
              })}
            </Fact>
          </Facts>
        </Group>
      )}
      <p className={styles.licence}>
        {t("settings.licence")}{" "}
        <a href="/licences.txt" target="_blank" rel="noreferrer">
          {t("settings.licences")}
        </a>
      </p>
    </div>
  );
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  const heading = useId();
  return (
    <section className={styles.group} aria-labelledby={heading}>
      <h2 id={heading}>{title}</h2>
      {children}
    </section>
  );
}
