package dev.llmproxy.emulator;

import java.io.IOException;
import java.time.Duration;

/** The failures of a stream after its first byte. */
enum Mishap {
  CUT(Directive.CUT) {
    @Override
    boolean strike(EventWriter events) throws IOException {
      events.reset();
      return false;
    }
  },

  END(Directive.END) {
    @Override
    boolean strike(EventWriter events) throws IOException {
      events.end();
      return false;
    }
  },

  SILENT(Directive.SILENT) {
    @Override
    boolean strike(EventWriter events) throws IOException {
      while (true) {
        events.pause(Duration.ofHours(1));
      }
    }
  },

  ERROR(Directive.ERROR) {
    @Override
    boolean strike(EventWriter events) throws IOException {
      events.send(
          "{\"error\":{\"message\":\"The engine lost its thread\",\"type\":\"server_error\","
              + "\"param\":null,\"code\":\"engine_error\"}}");
      events.end();
      return false;
    }
  },

  GARBAGE(Directive.GARBAGE) {
    @Override
    boolean strike(EventWriter events) throws IOException {
      events.send("{\"id\":\"chatcmpl-scri");
      return true;
    }
  };

  final Directive directive;

  Mishap(Directive directive) {
    this.directive = directive;
  }

  /** Causes the failure. Returns whether the stream continues. */
  abstract boolean strike(EventWriter events) throws IOException;
}
