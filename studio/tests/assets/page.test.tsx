import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, expect, test, vi } from "vitest";
import { useAssetUploads } from "@/assets/asset-uploads";
import { AssetsPage } from "@/assets/page";
import type { Asset } from "@/contract/types";
import { useDrafts } from "@/drafts/draft";
import { ServiceError } from "@/service/error";
import { collectDownloads, renderPage } from "../jobs/fixtures";
import { API, fakeHosts, jsonResponse, problemResponse, setDeployment } from "../service/fakes";

const { uploadToS3 } = vi.hoisted(() => ({
  uploadToS3: vi.fn<(form: unknown, file: Blob, onProgress: (sent: number) => void) => Promise<void>>(),
}));
vi.mock("@/service/s3-upload", () => ({ uploadToS3 }));
vi.mock("@/service/session", () => ({
  bearerToken: async () => "token",
  invalidateToken: () => {},
  useSession: { getState: () => ({ username: "ann" }), subscribe: () => {} },
}));
vi.mock("@/drafts/codec", () => ({
  browserCodec: { open: async () => ({ width: 800, height: 600, encode: async () => null, close() {} }) },
}));

const ASSETS = `${API}/assets`;
const JPEG = new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0]);
const photo = (name = "room.jpg") => new File([JPEG], name, { type: "image/jpeg" });
const form = { url: "https://store.example.com", fields: {}, expires_at: "2030-01-01T00:00:00Z" };

function asset(id: string, over: Partial<Asset> = {}): Asset {
  return {
    asset_id: id,
    name: `${id}.jpg`,
    newer_version: false,
    state: "ready",
    content_type: "image/jpeg",
    width: 1200,
    height: 800,
    size: 250_000,
    sha256: null,
    source: { type: "upload", job_id: null, picture: null, role: null },
    created_at: "2026-01-02T10:00:00Z",
    error: null,
    url: `https://store.example.com/${id}?1`,
    ...over,
  };
}

/** Renders the page of a library with these assets. */
async function renderLibrary(...assets: Asset[]) {
  const service = fakeHosts({ [`GET ${ASSETS}`]: () => jsonResponse({ assets, cursor: null }) });
  const shown = renderPage(<AssetsPage />, "/assets");
  await waitFor(() => expect(screen.queryByText("Fetching your library…")).not.toBeInTheDocument());
  return { ...service, ...shown };
}
const pictureButton = (name: string) => screen.findByRole("button", { name: `Look at ${name}` });

beforeEach(() => {
  uploadToS3.mockReset().mockResolvedValue(undefined);
  URL.createObjectURL = () => "blob:made";
  URL.revokeObjectURL = () => {};
  useAssetUploads.setState({ uploads: [] });
  useDrafts.setState({ drafts: {} });
  setDeployment();
});

test("an empty library explains its purpose", async () => {
  await renderLibrary();
  expect(screen.getByText("Nothing kept yet")).toBeVisible();
  expect(screen.getByRole("button", { name: "Add pictures" })).toBeVisible();
});

test("a HEIC is listed without a picture, which most browsers cannot show", async () => {
  await renderLibrary(asset("a", { name: "IMG_1.HEIC", content_type: "image/heic" }));
  expect(screen.getByText("HEIC: most browsers cannot show it")).toBeVisible();
  expect(screen.queryByRole("button", { name: "Look at IMG_1.HEIC" })).not.toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Use IMG_1.HEIC" })).toBeEnabled();
});

test("pictures are listed with size and date, older ones on request", async () => {
  fakeHosts({
    [`GET ${ASSETS}`]: ({ url }) =>
      new URL(url).searchParams.has("cursor")
        ? jsonResponse({ assets: [asset("b")], cursor: null })
        : jsonResponse({ assets: [asset("a")], cursor: "next" }),
  });
  const { user } = renderPage(<AssetsPage />, "/assets");
  expect(await pictureButton("a.jpg")).toBeVisible();
  expect(screen.getByText(/1200 × 800, 250 kB/)).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Show older pictures" }));
  expect(await pictureButton("b.jpg")).toBeVisible();
});

test("an upload shows its progress and then its picture", async () => {
  const { routes, user } = await renderLibrary();
  routes[`POST ${ASSETS}`] = () =>
    jsonResponse({ asset: asset("new", { state: "awaiting_upload", url: null }), upload: form }, 201);
  routes[`GET ${ASSETS}/new`] = () => jsonResponse(asset("new", { name: "room.jpg" }));
  let sent: (fraction: number) => void = () => {};
  let arrive: () => void = () => {};
  uploadToS3.mockImplementation((_form, _file, onProgress) => {
    sent = onProgress;
    return new Promise((resolve) => {
      arrive = resolve;
    });
  });
  await user.upload(screen.getByLabelText("Add pictures", { selector: "input" }), photo());
  const bar = await screen.findByRole("progressbar", { name: "room.jpg: sending" });
  await waitFor(() => expect(uploadToS3).toHaveBeenCalledOnce()); // the bar appears before the upload starts
  act(() => sent(0.5));
  expect(bar).toHaveValue(0.5);
  act(() => arrive());
  expect(await pictureButton("room.jpg")).toBeVisible();
  expect(screen.getByText("room.jpg was added.")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Put away: room.jpg" }));
  expect(screen.queryByText("room.jpg was added.")).not.toBeInTheDocument();
  expect(await pictureButton("room.jpg")).toBeVisible();
});

test("of several dropped files, a rejected one does not block the others", async () => {
  const { routes } = await renderLibrary();
  routes[`POST ${ASSETS}`] = () => jsonResponse({ asset: asset("new", { name: "good.jpg" }), upload: null }, 201);
  const files = [new File(["%PDF-1.7 not a picture"], "bill.pdf"), photo("good.jpg")];
  fireEvent.drop(screen.getByRole("heading", { name: "Library" }), { dataTransfer: { files, types: ["Files"] } });
  expect(await pictureButton("good.jpg")).toBeVisible();
  expect(screen.getByRole("alert")).toHaveTextContent("bill.pdf was not added");
  expect(screen.getByRole("alert")).toHaveTextContent("JPEG, PNG or WebP");
});

test("a picture that the service rejects shows the reason", async () => {
  const { routes, user } = await renderLibrary();
  const error = { code: "invalid_image", message: "The picture is cut off.", retryable: false } as const;
  routes[`POST ${ASSETS}`] = () =>
    jsonResponse({ asset: asset("new", { state: "awaiting_upload" }), upload: form }, 201);
  routes[`GET ${ASSETS}/new`] = () => jsonResponse(asset("new", { state: "failed", error, url: null }));
  await user.upload(screen.getByLabelText("Add pictures", { selector: "input" }), photo());
  expect(await screen.findByRole("alert")).toHaveTextContent("The picture is cut off.");
});

test("a failed upload shows an error", async () => {
  const { routes, user } = await renderLibrary();
  routes[`POST ${ASSETS}`] = () =>
    jsonResponse({ asset: asset("new", { state: "awaiting_upload" }), upload: form }, 201);
  uploadToS3.mockRejectedValue(new ServiceError("unreachable", "The storage does not answer."));
  await user.upload(screen.getByLabelText("Add pictures", { selector: "input" }), photo());
  expect(await screen.findByRole("alert")).toHaveTextContent("room.jpg was not added");
});

test("a picture is deleted after confirmation, and that is announced", async () => {
  const { routes, calls, user } = await renderLibrary(asset("a"), asset("b"));
  routes[`DELETE ${ASSETS}/a`] = () => jsonResponse({ asset_id: "a" });
  await user.click(screen.getByRole("button", { name: "Delete a.jpg" }));
  const question = screen.getByRole("dialog", { name: "Delete this picture?" });
  expect(calls.filter(({ method }) => method === "DELETE")).toHaveLength(0);
  await user.click(within(question).getByRole("button", { name: "Delete" }));
  await waitFor(() => expect(screen.queryByRole("button", { name: "Look at a.jpg" })).not.toBeInTheDocument());
  expect(screen.getByText("a.jpg was deleted.")).toBeInTheDocument();
  expect(await pictureButton("b.jpg")).toBeVisible();
});

test("a picture that could not be deleted stays", async () => {
  const { routes, user } = await renderLibrary(asset("a"));
  routes[`DELETE ${ASSETS}/a`] = () => problemResponse(403, "forbidden");
  await user.click(screen.getByRole("button", { name: "Delete a.jpg" }));
  await user.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Delete" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("It could not be deleted");
  await user.click(screen.getByRole("button", { name: "Keep it" }));
  expect(await pictureButton("a.jpg")).toBeVisible();
});

test("using a picture opens the kind's form with it as input", async () => {
  const { history, user } = await renderLibrary(asset("a"));
  await user.click(screen.getByRole("button", { name: "Use a.jpg" }));
  await user.click(screen.getByRole("button", { name: "Enlarge it" }));
  expect(history.at(-1)).toBe("/make/upscale");
  expect(useDrafts.getState().drafts.upscale?.inputs.photo).toMatchObject({
    type: "asset",
    asset: { asset_id: "a" },
  });
});

test("a download with an expired URL uses a refreshed one", async () => {
  const names = collectDownloads();
  const { routes, user } = await renderLibrary(asset("a"));
  routes[`GET ${ASSETS}/a`] = () => jsonResponse(asset("a", { url: "https://store.example.com/a?2" }));
  routes["GET https://store.example.com/a"] = ({ url }) =>
    url.endsWith("?2") ? new Response("picture") : new Response("expired", { status: 403 });
  await user.click(screen.getByRole("button", { name: "Download a.jpg" }));
  await waitFor(() => expect(names).toEqual(["a.jpg"]));
});

test("a library that cannot be fetched shows the reason and can be retried", async () => {
  const { routes, user } = await (async () => {
    const service = fakeHosts({ [`GET ${ASSETS}`]: () => problemResponse(403, "forbidden") });
    return { ...service, ...renderPage(<AssetsPage />, "/assets") };
  })();
  expect(await screen.findByRole("alert")).toHaveTextContent("Your library could not be fetched");
  routes[`GET ${ASSETS}`] = () => jsonResponse({ assets: [asset("a")], cursor: null });
  await user.click(screen.getByRole("button", { name: "Try again" }));
  expect(await pictureButton("a.jpg")).toBeVisible();
});
