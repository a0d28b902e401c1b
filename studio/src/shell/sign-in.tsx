import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useService } from "@/service/deployment";
import { type ServiceError, toServiceError } from "@/service/error";
import { errorMessage } from "@/service/error-message";
import { useSession } from "@/service/session";
import { Button, Field, Notice } from "@/ui";
import styles from "./sign-in.module.css";

/** The sign-in page: one click for local stacks, else username and password, or an OIDC provider. */
export function SignIn() {
  const { t } = useTranslation("shell");
  const deployment = useService(({ service }) => service?.deployment);
  const { challenge, usesOidc, error: sessionError } = useSession();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ServiceError | null>(sessionError);

  async function run(step: () => Promise<void>) {
    setBusy(true);
    setError(null);
    try {
      await step();
    } catch (problem) {
      setError(toServiceError(problem));
    } finally {
      setBusy(false);
    }
  }

  const session = useSession.getState();
  const message = error && errorMessage(error);
  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <header className={styles.head}>
          <h1>{t("name")}</h1>
          <p className={styles.lead}>{t("sign_in.lead")}</p>
        </header>
        {message && (
          <Notice tone="bad" title={message.title}>
            <p>{message.advice}</p>
          </Notice>
        )}
        {challenge ? (
          <ChallengeForm
            key={challenge.type}
            type={challenge.type}
            busy={busy}
            onAnswer={(value) => run(() => session.answerChallenge(value))}
          />
        ) : usesOidc ? (
          <Button variant="primary" icon="user" busy={busy} onClick={() => run(session.signInWithOidc)}>
            {t("sign_in.oidc")}
          </Button>
        ) : (
          <>
            {deployment?.local_user && (
              <div className={styles.local}>
                <Button variant="primary" icon="user" busy={busy} onClick={() => run(session.signInAsLocalUser)}>
                  {t("sign_in.local", { name: deployment.local_user.username })}
                </Button>
                <p className={styles.hint}>{t("sign_in.local_hint")}</p>
                <p className={styles.or}>{t("sign_in.or")}</p>
              </div>
            )}
            <PasswordForm
              busy={busy}
              prominent={!deployment?.local_user}
              onSubmit={(name, password) => run(() => session.signIn(name, password))}
            />
          </>
        )}
      </div>
    </main>
  );
}

interface PasswordFormProps {
  busy: boolean;
  prominent: boolean;
  onSubmit(username: string, password: string): void;
}

function PasswordForm({ busy, prominent, onSubmit }: PasswordFormProps) {
  const { t } = useTranslation("shell");
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  function submit(event: FormEvent) {
    event.preventDefault();
    onSubmit(username.trim(), password);
  }
  return (
    <form className={styles.form} onSubmit={submit} aria-label={t("sign_in.title")}>
      <Field label={t("sign_in.username")}>
        {(control) => (
          <input
            {...control}
            autoComplete="username"
            autoCapitalize="none"
            required
            value={username}
            onChange={(event) => setUsername(event.target.value)}
          />
        )}
      </Field>
      <Field label={t("sign_in.password")}>
        {(control) => (
          <input
            {...control}
            type="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        )}
      </Field>
      <Button type="submit" variant={prominent ? "primary" : "secondary"} busy={busy}>
        {t("sign_in.submit")}
      </Button>
    </form>
  );
}

interface ChallengeFormProps {
  type: "new_password" | "code";
  busy: boolean;
  onAnswer(value: string): void;
}

function ChallengeForm({ type, busy, onAnswer }: ChallengeFormProps) {
  const { t } = useTranslation("shell");
  const [value, setValue] = useState("");
  const isCode = type === "code";
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        onAnswer(value);
      }}
    >
      <Field label={t(`sign_in.${type}`)} hint={isCode ? undefined : t("sign_in.new_password_hint")}>
        {(control) => (
          <input
            {...control}
            type={isCode ? "text" : "password"}
            inputMode={isCode ? "numeric" : "text"}
            autoComplete={isCode ? "one-time-code" : "new-password"}
            required
            value={value}
            onChange={(event) => setValue(event.target.value)}
          />
        )}
      </Field>
      <Button type="submit" variant="primary" busy={busy}>
        {t("sign_in.continue")}
      </Button>
    </form>
  );
}
