"""The WebSocket API: messages, connections and subscriptions."""
