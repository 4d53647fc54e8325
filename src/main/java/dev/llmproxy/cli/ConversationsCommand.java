package dev.llmproxy.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.conversation.ConversationArchive;
import dev.llmproxy.ledger.Conversation;
import java.io.PrintWriter;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Lists, shows and deletes the conversations in the ledger's database. */
@Command(
    name = "conversations",
    mixinStandardHelpOptions = true,
    description = {
      "Lists, shows or deletes stored conversations.",
      "Works with the server running or stopped."
    })
final class ConversationsCommand implements Callable<Integer> {
  private final Settings settings;

  @Parameters(
      index = "0",
      paramLabel = "EMAIL",
      arity = "0..1",
      description = "Lists this user's conversations only.")
  private String email;

  @Option(
      names = "--request",
      paramLabel = "ID",
      description = "Shows the conversation of this request.")
  private String request;

  @Option(
      names = "--since",
      paramLabel = "DATE",
      description = "Lists conversations since this day (UTC) only, e.g. 2026-01-31.")
  private LocalDate since;

  @Option(
      names = "--limit",
      paramLabel = "N",
      description = "Lists the N newest conversations (default: ${DEFAULT-VALUE}).")
  private int limit = 20;

  @Option(names = "--json", description = "Prints whole conversations as JSON.")
  private boolean json;

  @Option(
      names = "--delete",
      paramLabel = "EMAIL",
      description = "Deletes all conversations of this user, in the workbook too. Needs --yes.")
  private String delete;

  @Option(names = "--yes", description = "Confirms --delete.")
  private boolean yes;

  @Spec private CommandSpec spec;

  ConversationsCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public Integer call() {
    if (limit < 1) {
      throw wrong("--limit must be 1 or more.");
    }
    ConversationArchive archive = new ConversationArchive(settings);
    if (delete != null) {
      return delete(archive);
    }
    return request == null ? list(archive) : show(archive);
  }

  private int delete(ConversationArchive archive) {
    if (email != null || request != null || since != null || json) {
      throw wrong("--delete EMAIL can be combined with --yes only.");
    }
    PrintWriter out = spec.commandLine().getOut();
    if (!yes) {
      throw wrong(
          "This deletes all conversations of "
              + delete
              + " for good and cannot be undone. To do it, add --yes.");
    }
    out.printf(
        Locale.ROOT,
        "Deleted %d conversations of %s from the ledger. The server deletes those in the workbook.%n",
        archive.erase(delete),
        delete);
    return 0;
  }

  private int list(ConversationArchive archive) {
    Instant from = since == null ? Instant.EPOCH : since.atStartOfDay(ZoneOffset.UTC).toInstant();
    List<Conversation> conversations = archive.list(email, from, limit);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      ArrayNode list = Json.array();
      conversations.forEach(conversation -> list.add(conversation.toJson()));
      out.println(Json.pretty(list));
      return 0;
    }
    Table table = new Table(settings, "Time (UTC)", "User", "Model", "Status", "Bytes", "Request");
    for (Conversation conversation : conversations) {
      table.add(
          Table.time(conversation.createdAt().toString()),
          conversation.email(),
          conversation.model(),
          status(conversation),
          Long.toString(conversation.bytes()),
          conversation.requestId());
    }
    out.println(conversations.isEmpty() ? "No conversations found." : table.toString());
    return 0;
  }

  private int show(ConversationArchive archive) {
    Optional<Conversation> found = archive.find(request);
    if (found.isEmpty()) {
      spec.commandLine()
          .getErr()
          .println("llmproxy: no conversation of the request " + request + " is stored.");
      return 1;
    }
    PrintWriter out = spec.commandLine().getOut();
    ObjectNode conversation = found.get().toJson();
    if (json) {
      out.println(Json.pretty(conversation));
      return 0;
    }
    StringBuilder text = new StringBuilder();
    text.append(found.get().createdAt())
        .append("  ")
        .append(found.get().email())
        .append("  ")
        .append(found.get().model())
        .append("  ")
        .append(status(found.get()))
        .append('\n');
    conversation.path("messages").forEach(message -> append(text, message));
    conversation
        .path("choices")
        .forEach(choice -> {
          append(text, choice.path("message"));
          text.append("(")
              .append(choice.path("finish_reason").asText("not finished"))
              .append(")\n");
        });
    if (conversation.has("error")) {
      text.append("\nerror: ").append(conversation.at("/error/message").asText()).append('\n');
    }
    out.println(text.toString().replace("\r\n", "\n").stripTrailing());
    return 0;
  }

  /** Appends a message: its role, then each field that is not null. */
  private static void append(StringBuilder text, JsonNode message) {
    text.append('\n').append(message.path("role").asText()).append(":\n");
    message
        .properties()
        .forEach(field -> {
          JsonNode value = field.getValue();
          if (field.getKey().equals("role") || value.isNull()) {
            return;
          }
          if (!field.getKey().equals("content")) {
            text.append("  [").append(field.getKey()).append("]\n");
          }
          String words = value.isTextual() ? value.textValue() : Json.pretty(value);
          text.append(words.indent(2));
        });
  }

  private static String status(Conversation conversation) {
    return conversation.status() == null ? "under way" : conversation.status().name();
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
