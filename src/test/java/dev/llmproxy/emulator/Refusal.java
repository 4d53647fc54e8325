package dev.llmproxy.emulator;

/** An error answer with the status, body and headers of a script. */
final class Refusal {
  private Refusal() {}

  static boolean asked(Script script) {
    return script.has(Directive.STATUS) || script.has(Directive.BODY);
  }

  static Reply of(Script script) {
    int status = script.number(Directive.STATUS, 200);
    Reply reply =
        script
            .text(Directive.BODY)
            .map(body -> Reply.of(status, "application/json", body))
            .orElseGet(() -> script.has(Directive.HTML) ? page(status) : error(script, status));
    return script
        .text(Directive.RETRY_AFTER)
        .map(seconds -> reply.with("retry-after", seconds))
        .orElse(reply);
  }

  private static Reply error(Script script, int status) {
    String code = script.text(Directive.CODE).orElse(null);
    return Reply.error(status, code, "Scripted failure with status " + status);
  }

  private static Reply page(int status) {
    String html = "<html><body><h1>" + status + " from a proxy in between</h1></body></html>";
    return Reply.of(status, "text/html", html);
  }
}
