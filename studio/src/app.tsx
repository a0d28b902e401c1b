import { type ComponentType, lazy, Suspense, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Redirect, Route, Switch, useLocation } from "wouter";
import { isKind } from "@/contract/schemas";
import type { Kind } from "@/contract/types";
import { resume } from "@/jobs/store";
import { useService } from "@/service/deployment";
import { untilOnline } from "@/service/network";
import { useSession } from "@/service/session";
import { Broken } from "@/shell/error-boundary";
import { Layout } from "@/shell/layout";
import { Missing } from "@/shell/not-found";
import { NoService } from "@/shell/service-unavailable";
import { SignIn } from "@/shell/sign-in";
import { Waiting } from "@/ui";

/** A page whose code comes when it is needed; without a network, once that is back. */
function page<Props>(bring: () => Promise<ComponentType<Props>>) {
  return lazy(async () => ({ default: await bring().catch(() => untilOnline().then(bring)) }));
}

const ComposePage = page(async () => (await import("@/compose/page")).ComposePage);
const JobsPage = page(async () => (await import("@/jobs/page")).JobsPage);
const JobPage = page(async () => (await import("@/jobs/job-page")).JobPage);
const AssetsPage = page(async () => (await import("@/assets/page")).AssetsPage);
const SettingsPage = page(async () => (await import("@/shell/settings-page")).SettingsPage);

const FIRST: Kind = "restyle_room";

/** The studio: finds its deployment, has the caller sign in, then shows the page of the address. */
export function App() {
  const { t } = useTranslation("shell");
  const service = useService();
  const session = useSession();
  const [location] = useLocation();

  useEffect(() => {
    void useService.getState().load();
  }, []);
  useEffect(() => {
    if (service.status === "ready") void useSession.getState().restore();
  }, [service.status]);
  useEffect(() => {
    if (session.status === "signed_in") void resume();
  }, [session.status]);

  if (service.status === "failed") return <NoService />;
  if (service.status === "loading" || session.status === "unknown") return <Waiting>{t("start.waiting")}</Waiting>;
  if (session.status === "signed_out") return <SignIn />;
  return (
    <Layout>
      <Broken place={location}>
        <Suspense fallback={<Waiting>{t("loading")}</Waiting>}>
          <Switch>
            <Route path="/">
              <Redirect to={`/make/${FIRST}`} replace />
            </Route>
            <Route path="/make/:kind">{({ kind }) => (isKind(kind) ? <ComposePage kind={kind} /> : <Missing />)}</Route>
            <Route path="/jobs" component={JobsPage} />
            <Route path="/jobs/:id">{({ id }) => <JobPage key={id} id={id} />}</Route>
            <Route path="/assets" component={AssetsPage} />
            <Route path="/settings" component={SettingsPage} />
            <Route component={Missing} />
          </Switch>
        </Suspense>
      </Broken>
    </Layout>
  );
}
