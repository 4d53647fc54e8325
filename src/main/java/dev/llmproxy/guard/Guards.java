package dev.llmproxy.guard;

import dev.llmproxy.call.Caller;
import dev.llmproxy.call.KeepsPrompt;
import dev.llmproxy.call.ModelRequest;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatRequest;
import dev.llmproxy.error.ApiException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.StartupListener;
import org.apache.camel.model.ModelCamelContext;

/**
 * The guards of a CamelContext: the routes {@code guard-*}. Asks them about prompts before a call
 * is made, and puts them between the model's answer and its sink. An invalid declaration fails the
 * start.
 */
public final class Guards implements CamelContextAware, StartupListener {
  private final ProviderCatalogue providers;
  private final GuardRunner runner = new GuardRunner();
  private CamelContext context;
  private volatile List<Guard> all = List.of();

  public Guards(ProviderCatalogue providers) {
    this.providers = providers;
  }

  @Override
  public CamelContext getCamelContext() {
    return context;
  }

  @Override
  public void setCamelContext(CamelContext camelContext) {
    if (camelContext.equals(context)) {
      return;
    }
    context = camelContext;
    try {
      context.addStartupListener(this);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Reads all declarations, after the routes were loaded and before they get requests.
   *
   * @throws IllegalArgumentException when a declaration is invalid; names its file
   */
  @Override
  public void onCamelContextStarting(CamelContext starting, boolean alreadyStarted) {
    read();
  }

  /** As {@link #onCamelContextStarting}, for routes that were loaded later. */
  @Override
  public void onCamelContextStarted(CamelContext started, boolean alreadyStarted) {
    read();
  }

  private void read() {
    all =
        ((ModelCamelContext) context)
            .getRouteDefinitions().stream()
                .filter(route -> route.getRouteId().startsWith(GuardDeclaration.PREFIX))
                .map(route -> GuardDeclaration.read(route, context))
                .sorted(Comparator.comparingInt(Guard::order).thenComparing(Guard::name))
                .toList();
  }

  /** Whether there is a guard. */
  public boolean on() {
    return !all.isEmpty();
  }

  /**
   * Asks the guards about a prompt. A refusal takes effect when the call is admitted, so that it is
   * recorded: see {@link #begin}.
   *
   * @return the request that may go on: with other texts when a guard has redacted it
   */
  public ModelRequest prompt(
      @ExchangeProperty("request") ModelRequest request,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    Set<String> names = names(request.model());
    if (request instanceof ChatRequest && !fit(Guard.Place.ANSWER, context, names).isEmpty()) {
      // What passes in the provider's own form cannot be redacted.
      context.setOriginal(null);
    }
    List<Guard> guards = fit(Guard.Place.PROMPT, context, names);
    if (guards.isEmpty()) {
      return request;
    }
    List<GuardText> texts = new ArrayList<>();
    request.withTexts((role, text) -> {
      texts.add(new GuardText(role, text));
      return text;
    });
    GuardTexts asked = new GuardTexts(texts);
    GuardRunner.Decision decision =
        runner.ask(guards, Guard.Place.PROMPT, asked, asked(context, request.model()));
    context.setRefusal(decision.refusal());
    if (decision.texts().equals(asked)) {
      return request;
    }
    if (context.hasFormat(KeepsPrompt.class)) {
      context.formatAs(KeepsPrompt.class).forgetPrompt();
    }
    Iterator<GuardText> left = decision.texts().list().iterator();
    return request.withTexts((role, text) -> left.next().text());
  }

  /**
   * Ends a call whose prompt was refused, and has the guards check the answer of any other.
   *
   * @throws ApiException the refusal
   */
  public void begin(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    if (context.refusal() != null) {
      throw context.refusal().asException();
    }
    if (!(context.call() instanceof ChatCall chat)) {
      return;
    }
    String model = chat.request().model();
    List<Guard> guards = fit(Guard.Place.ANSWER, context, names(model));
    if (!guards.isEmpty()) {
      GuardRunner.Asked asked = asked(context, model);
      int window = window(guards);
      chat.turns()
          .filter(events ->
              new GuardedEvents(
                  events,
                  chat,
                  window,
                  texts -> runner.ask(guards, Guard.Place.ANSWER, texts, asked)));
    }
  }

  /** The characters to hold back; the most possible when a guard needs the whole answer. */
  private static int window(List<Guard> guards) {
    return guards.stream()
        .mapToInt(guard -> guard.window().orElse(Integer.MAX_VALUE))
        .max()
        .orElse(0);
  }

  private static GuardRunner.Asked asked(RequestContext context, String model) {
    return new GuardRunner.Asked(context.requestId(), context.caller(), model, context::mark);
  }

  private List<Guard> fit(Guard.Place place, RequestContext context, Set<String> names) {
    Caller caller = context.caller();
    if (all.stream().anyMatch(guard -> guard.sends(caller))) {
      return List.of();
    }
    return all.stream().filter(guard -> guard.isFor(place, caller, names)).toList();
  }

  /** The model as asked, and the models that may answer. */
  private Set<String> names(String model) {
    Set<String> names = new LinkedHashSet<>();
    names.add(model);
    try {
      providers.chain(model).targets().stream().map(Target::servedModel).forEach(names::add);
    } catch (ApiException e) {
      // The call refuses the unknown name.
    }
    return names;
  }
}
