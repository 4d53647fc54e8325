package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.TokenCount;
import dev.llmproxy.tool.ToolRunner;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import org.apache.camel.Body;
import org.apache.camel.ExchangeProperty;

/**
 * Takes a chat from turn to turn: provider, tools that it asks for, provider … until it answers, or
 * has had as many turns, as long, or as much as one chat may.
 */
public final class ChatTurns {
  private final ToolRunner tools;
  private final ToolMemory memory;
  private final int mostTurns;
  private final Duration longest;
  private final BigDecimal mostDollars;

  /**
   * @param mostTurns of one chat, 1 or more
   * @param mostSeconds after which no other turn begins, 1 or more
   * @param mostDollars US dollars after which no other turn begins; blank for any
   */
  public ChatTurns(
      ToolRunner tools, ToolMemory memory, int mostTurns, int mostSeconds, String mostDollars) {
    if (mostTurns < 1) {
      throw new IllegalArgumentException("CHAT_TURNS must be 1 or more");
    }
    if (mostSeconds < 1) {
      throw new IllegalArgumentException("CHAT_SECONDS must be 1 or more");
    }
    this.tools = tools;
    this.memory = memory;
    this.mostTurns = mostTurns;
    longest = Duration.ofSeconds(mostSeconds);
    this.mostDollars = mostDollars.isBlank() ? null : dollars(mostDollars);
  }

  /** Sets the deadline after which no other turn begins. */
  public void start(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    context.endIn(longest);
  }

  /** Whether there is something left to do. */
  public boolean goesOn(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    return chat(context).turns().next() != Turns.Step.NOTHING;
  }

  /** Whether that is to run tools, and not to ask the provider. */
  public boolean toolsAsked(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    return chat(context).turns().next() == Turns.Step.RUN_TOOLS;
  }

  /** Another turn begins. */
  public void begin(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    ChatCall chat = chat(context);
    chat.turns().begin(chat.accumulator().deltas());
  }

  /** Takes the turn's events, as the client is to get them. */
  public void listen(
      @Body ChatEvents provider,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    ChatCall chat = chat(context);
    Turns turns = chat.turns();
    turns.events(turns.tools().any() ? new TurnEvents(provider, chat, memory) : provider);
  }

  /** Begins to run the tools that were asked for. */
  public void runTools(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    Turns turns = chat(context).turns();
    turns.events(
        new ToolEvents(
            tools.start(turns.asked(), turns.tools().names()), turns, () -> afterTools(context)));
  }

  /** The events that end a chat which has called the client's functions, or may not go on. */
  private List<ChatEvent> afterTools(RequestContext context) {
    ChatCall chat = chat(context);
    Turns turns = chat.turns();
    if (turns.finish() != null) {
      memory.keep(chat, turns.added());
      return turns.last(chat, turns.finish());
    }
    String limit = limit(chat, context);
    if (limit == null) {
      return List.of();
    }
    String said = "[The answer ends here: it has reached the limit of " + limit + ".]";
    ObjectNode delta = Json.object();
    if (turns.firstWord()) {
      delta.put("role", "assistant");
    }
    delta.put("content", chat.accumulator().content().isEmpty() ? said : "\n\n" + said);
    List<ChatEvent> last = turns.last(chat, turns.chunk(chat, Json.object(), "length"));
    last.addFirst(new ChatEvent.Delta(turns.chunk(chat, delta, null)));
    return last;
  }

  /** The limit that has been reached, for people; null when there is none. */
  private String limit(ChatCall chat, RequestContext context) {
    Turns turns = chat.turns();
    if (turns.count() == 0) {
      return null;
    }
    if (turns.count() >= mostTurns) {
      return mostTurns + " turns";
    }
    if (context.late()) {
      return longest.toSeconds() + " seconds";
    }
    if (mostDollars != null) {
      TokenCount tokens = TokenCount.of(turns.used().ended());
      BigDecimal cost = chat.target().cost(tokens);
      if (cost != null && cost.compareTo(mostDollars) >= 0) {
        return mostDollars.toPlainString() + " US dollars";
      }
    }
    return null;
  }

  private static ChatCall chat(RequestContext context) {
    return context.callAs(ChatCall.class);
  }

  /**
   * The value of CHAT_COST_DOLLARS.
   *
   * @throws IllegalArgumentException when it is no number above 0
   */
  public static BigDecimal dollars(String setting) {
    try {
      BigDecimal dollars = new BigDecimal(setting.strip());
      if (dollars.signum() > 0) {
        return dollars;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new IllegalArgumentException(
        "CHAT_COST_DOLLARS is \"%s\"; it must be a number above 0, or empty".formatted(setting));
  }
}
