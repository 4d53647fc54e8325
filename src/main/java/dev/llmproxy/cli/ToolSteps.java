package dev.llmproxy.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Checks the tool notifications of an answer. One object per answer. */
final class ToolSteps {
  private final Set<String> running = new LinkedHashSet<>();
  private final List<String> problems = new ArrayList<>();
  private int ended;
  private String last = "";

  /** Adds the next notification. */
  void add(JsonNode notification) {
    String call = notification.path("call_id").asText("");
    String status = notification.path("status").asText("");
    last = inWords(notification);
    if (call.isEmpty() || notification.path("tool").asText("").isEmpty()) {
      problems.add("a tool_notification names no tool or no call: " + notification);
    }
    switch (status) {
      case "started" -> {
        if (!running.add(call)) {
          problems.add(call + " started twice");
        }
      }
      case "completed", "failed" -> {
        ended++;
        if (!running.remove(call)) {
          problems.add(call + " " + status + " but did not start");
        }
      }
      default -> problems.add("a tool_notification has the status \"" + status + "\"");
    }
  }

  /** Whether there was no notification. */
  boolean none() {
    return last.isEmpty();
  }

  /** The problems of the notifications, one sentence each. */
  List<String> problems() {
    List<String> all = new ArrayList<>(problems);
    running.forEach(call -> all.add(call + " started and did not end"));
    return all;
  }

  /** The number of ended tool calls, and the last notification in words. */
  String summary() {
    return ended + (ended == 1 ? " tool call, " : " tool calls, the last: ") + last;
  }

  /** A notification as a line for people. */
  static String inWords(JsonNode notification) {
    StringBuilder line = new StringBuilder("⚙ ");
    line.append(notification.path("tool").asText("?")).append(' ');
    line.append(notification.path("status").asText("?"));
    if (notification.has("duration_ms")) {
      line.append(" in ").append(notification.path("duration_ms").asLong()).append(" ms: ");
      line.append(notification.path("result").asText(""));
    } else if (notification.has("query")) {
      line.append(": ").append(notification.get("query"));
    } else {
      line.append(": ").append(notification.path("arguments"));
    }
    return line.toString();
  }
}
