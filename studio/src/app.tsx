import { type ComponentType, lazy, Suspense, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Redirect, Route, Switch, useLocation } from "wouter";
import { isKind } from "@/contract/schemas";
import type { Kind } from "@/contract/types";
import { resume } from "@/jobs/store";
import { useService } from "@/service/deployment";
import { untilOnline } from "@/service/network";
import { useSession } from "@/service/session";
import { ErrorBoundary } from "@/shell/error-boundary";
import { Layout } from "@/shell/layout";
import { NotFound } from "@/shell/not-found";
import { ServiceUnavailable } from "@/shell/service-unavailable";
import { SignIn } from "@/shell/sign-in";
import { Loading } from "@/ui";

/** A lazily loaded page. Without a network, the import is retried once the browser is online. */
function lazyPage<Props>(load: () => Promise<ComponentType<Props>>) {
  return lazy(async () => ({ default: await load().catch(() => untilOnline().then(load)) }));
}

const ComposePage = lazyPage(async () => (await import("@/compose/page")).ComposePage);
const JobsPage = lazyPage(async () => (await import("@/jobs/page")).JobsPage);
const JobPage = lazyPage(async () => (await import("@/jobs/job-page")).JobPage);
const AssetsPage = lazyPage(async () => (await import("@/assets/page")).AssetsPage);
const SettingsPage = lazyPage(async () => (await import("@/shell/settings-page")).SettingsPage);

const FIRST_KIND: Kind = "restyle_room";

/** The root component: loads the deployment, requires a session, then renders the route. */
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

  if (service.status === "failed") return <ServiceUnavailable />;
  if (service.status === "loading" || session.status === "unknown") return <Loading>{t("start.loading")}</Loading>;
  if (session.status === "signed_out") return <SignIn />;
  return (
    <Layout>
      <ErrorBoundary resetKey={location}>
        <Suspense fallback={<Loading>{t("loading")}</Loading>}>
          <Switch>
            <Route path="/">
              <Redirect to={`/make/${FIRST_KIND}`} replace />
            </Route>
            <Route path="/make/:kind">
              {({ kind }) => (isKind(kind) ? <ComposePage kind={kind} /> : <NotFound />)}
            </Route>
            <Route path="/jobs" component={JobsPage} />
            <Route path="/jobs/:id">{({ id }) => <JobPage key={id} id={id} />}</Route>
            <Route path="/assets" component={AssetsPage} />
            <Route path="/settings" component={SettingsPage} />
            <Route component={NotFound} />
          </Switch>
        </Suspense>
      </ErrorBoundary>
    </Layout>
  );
}
