import { type SyntheticEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Job, Result, SubtitleFile, Video } from "@/contract/types";
import { kindTitle } from "@/messages/kind-texts";
import { type PresignedUrl, usePresignedUrl, useUrlCheck } from "@/service/presigned-url";
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
  const source = usePresignedUrl(video.key, video.url, refreshUrls);
  const posterPicture = poster(result);
  const posterUrl = usePresignedUrl(posterPicture?.key ?? "", posterPicture?.url, refreshUrls);
  useUrlCheck(posterUrl, true);
  const playback = usePlayback(source);
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
          {...(source.url === null ? {} : { src: source.url })}
          {...(posterUrl.url === null ? {} : { poster: posterUrl.url })}
          {...playback}
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

/** Event handlers of a video that is refreshed when its URL expires: it goes on where it was, and plays if it did. */
function usePlayback({ onError }: PresignedUrl) {
  const interrupted = useRef<{ time: number; playing: boolean } | null>(null);
  return {
    onError({ currentTarget: video }: SyntheticEvent<HTMLVideoElement>) {
      // A refreshed URL that fails, too, is at the beginning.
      interrupted.current ??= { time: video.currentTime, playing: !video.paused };
      onError();
    },
    onLoadedMetadata({ currentTarget: video }: SyntheticEvent<HTMLVideoElement>) {
      if (interrupted.current === null) return;
      const { time, playing } = interrupted.current;
      interrupted.current = null;
      video.currentTime = time;
      // The browser may ask for another press of the button.
      if (playing) void video.play().catch(() => undefined);
    },
  };
}

/** The captions as an object URL: browsers load no caption track from another host. */
function useCaptions(file: SubtitleFile | undefined, refreshUrls: () => void): string | null {
  const [objectUrl, setObjectUrl] = useState<string | null>(null);
  const { url, onError } = usePresignedUrl(file?.key ?? "", file?.url, refreshUrls);
  const latestOnError = useRef(onError);
  useEffect(() => {
    latestOnError.current = onError;
  });
  useEffect(() => {
    if (url === null) return;
    const stop = new AbortController();
    let created: string | null = null;
    const load = async () => {
      const response = await fetch(url, { signal: stop.signal });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      const text = await response.text();
      if (stop.signal.aborted) return;
      created = URL.createObjectURL(new Blob([text], { type: "text/vtt" }));
      setObjectUrl(created);
    };
    // Without captions the video still plays, and their file can be downloaded.
    void load().catch(() => stop.signal.aborted || latestOnError.current());
    return () => {
      stop.abort();
      if (created !== null) URL.revokeObjectURL(created);
      setObjectUrl(null);
    };
  }, [url]);
  return objectUrl;
}
