export type Connection = "live" | "connecting" | "polling" | "offline";
