package dev.llmproxy.guard;

import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.chat.ChatEvents;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.tool.ToolCall;
import java.util.ArrayDeque;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.function.Function;

/**
 * The events of a turn after guards have checked them. Texts wait until they are checked: to the
 * end of the turn, or with a window, until that many characters follow them. Created per turn; one
 * thread uses it.
 */
final class GuardedEvents implements ChatEvents {
  private final ChatEvents turn;
  private final ChatCall chat;
  private final int window;
  private final Function<GuardTexts, GuardRunner.Decision> guards;
  private final HeldChunks held = new HeldChunks();
  private final Queue<ChatEvent> ready = new ArrayDeque<>();
  private int unchecked;
  private boolean over;

  /**
   * @param window the characters that the guards need at once
   * @param guards decide about the texts
   */
  GuardedEvents(
      ChatEvents turn,
      ChatCall chat,
      int window,
      Function<GuardTexts, GuardRunner.Decision> guards) {
    this.turn = turn;
    this.chat = chat;
    this.window = window;
    this.guards = guards;
    chat.turns().setHeldText(held::answer);
  }

  @Override
  public boolean hasNext() {
    while (ready.isEmpty() && !over) {
      if (turn.hasNext()) {
        take(turn.next());
      } else {
        over = true;
        check(null, true);
      }
    }
    return !ready.isEmpty();
  }

  @Override
  public ChatEvent next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return ready.remove();
  }

  /** An event that has been checked; the check of others would wait. */
  @Override
  public ChatEvent poll() {
    return ready.poll();
  }

  @Override
  public void close() {
    turn.close();
  }

  private void take(ChatEvent event) {
    switch (event) {
      case ChatEvent.Delta delta -> hold(delta);
      case ChatEvent.ServerToolDelta delta -> hold(delta);
      case ChatEvent.ToolCallStart start -> ready.add(checked(start));
      case ChatEvent.ToolCallResult result -> ready.add(result);
      // Its text cannot be held back without the form of its format; Guards has switched it off.
      case ChatEvent.Passed passed -> refuse(OpenAiErrors.guardFailed(), null);
      case ChatEvent.Complete complete -> {
        over = true;
        if (check(complete, true)) {
          ready.add(complete);
        }
      }
      case ChatEvent.Failed failed -> {
        over = true;
        if (check(null, true)) {
          ready.add(failed);
        }
      }
    }
  }

  /** A chunk without text, such as the first with the role, passes at once: the stream begins. */
  private void hold(ChatEvent event) {
    int characters = held.add(event);
    unchecked += characters;
    if (held.isWithoutText()) {
      ready.addAll(held.release(0));
    } else if (unchecked >= window) {
      check(null, false);
    }
  }

  /**
   * Checks what is held, and releases it or all but the window.
   *
   * @param complete the end of the answer, or null
   * @return false when it is refused
   */
  private boolean check(ChatEvent.Complete complete, boolean whole) {
    GuardTexts texts = held.texts();
    if (!texts.list().isEmpty()) {
      GuardRunner.Decision decision = guards.apply(texts);
      if (decision.refusal() != null) {
        refuse(decision.refusal(), complete);
        return false;
      }
      if (!decision.texts().equals(texts) && !held.change(decision.texts())) {
        refuse(OpenAiErrors.guardFailed(), complete);
        return false;
      }
    }
    unchecked = 0;
    ready.addAll(held.release(whole ? 0 : window));
    return true;
  }

  /** Checks the arguments of a call of a server's tool, which some clients are told. */
  private ChatEvent checked(ChatEvent.ToolCallStart start) {
    ToolCall call = start.call();
    GuardTexts texts = new GuardTexts(List.of(new GuardText(HeldChunks.CALL, call.arguments())));
    GuardRunner.Decision decision = guards.apply(texts);
    if (decision.refusal() != null) {
      refuse(decision.refusal(), null);
      return ready.remove();
    }
    String arguments = decision.texts().list().getFirst().text();
    return arguments.equals(call.arguments())
        ? start
        : new ChatEvent.ToolCallStart(new ToolCall(call.id(), call.name(), arguments));
  }

  private void refuse(ApiError error, ChatEvent.Complete complete) {
    over = true;
    turn.close();
    chat.turns().refuse(held.tokens(), complete == null ? null : complete.usage());
    held.release(0);
    ready.clear();
    ready.add(new ChatEvent.Failed(error));
  }
}
