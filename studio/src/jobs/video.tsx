import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Job, Result, SubtitleFile, Video } from "@/contract/types";
import { kindTitle } from "@/messages/kind-texts";
import { usePresignedUrl } from "@/service/presigned-url";
import { ButtonRow } from "@/ui";
import { AiBadge } from "./ai-badge";
import { FileActions } from "./file-actions";
import { maxWidth, poster } from "./outputs";
import { EditAndRerunButton } from "./rerun-buttons";
import styles from "./result.module.css";

interface VideoViewProps {
  job: Job;
  result: Result;
  video: Video;
  refreshUrls(): void;
}

/** A video player with captions, and the files to download. */
export function VideoView({ job, result, video, refreshUrls }: VideoViewProps) {
  const { t } = useTranslation("jobs");
  const film = usePresignedUrl(video.key, video.url, refreshUrls);
  const still = poster(result);
  const first = usePresignedUrl(still?.key ?? "", still?.url, refreshUrls);
  const vtt = result.subtitles.find(({ format }) => format === "vtt");
  const captions = useCaptions(vtt, refreshUrls);
  return (
    <>
      <div className={styles.stage} style={{ maxInlineSize: maxWidth(video.width / video.height) }}>
        <video
          className={styles.picture}
          controls
          playsInline
          preload="metadata"
          aria-label={t("result.alt", { kind: kindTitle(job.kind, t) })}
          width={video.width}
          height={video.height}
          {...(film.url === null ? {} : { src: film.url })}
          {...(first.url === null ? {} : { poster: first.url })}
          onError={film.onError}
        >
          {vtt && captions !== null && (
            <track kind="captions" src={captions} srcLang={vtt.language} label={t("result.captions")} />
          )}
        </video>
      </div>
      <AiBadge />
      <ButtonRow>
        <FileActions job={job} file={video} />
        {result.subtitles.map((file) => (
          <FileActions
            key={file.key}
            job={job}
            file={file}
            label={t("result.download_subtitles", { format: file.format.toUpperCase() })}
          />
        ))}
        <EditAndRerunButton job={job} />
      </ButtonRow>
    </>
  );
}

/** The captions as an object URL: browsers load no caption track from another host. */
function useCaptions(file: SubtitleFile | undefined, refreshUrls: () => void): string | null {
  const [objectUrl, setPlace] = useState<string | null>(null);
  const { url, onError } = usePresignedUrl(file?.key ?? "", file?.url, refreshUrls);
  const tell = useRef(onError);
  useEffect(() => {
    tell.current = onError;
  });
  useEffect(() => {
    if (url === null) return;
    const stop = new AbortController();
    let created: string | null = null;
    const bring = async () => {
      const answer = await fetch(url, { signal: stop.signal });
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      const text = await answer.text();
      if (stop.signal.aborted) return;
      created = URL.createObjectURL(new Blob([text], { type: "text/vtt" }));
      setPlace(created);
    };
    // Without captions the video still plays, and their file can be downloaded.
    void bring().catch(() => stop.signal.aborted || tell.current());
    return () => {
      stop.abort();
      if (created !== null) URL.revokeObjectURL(created);
      setPlace(null);
    };
  }, [url]);
  return objectUrl;
}
