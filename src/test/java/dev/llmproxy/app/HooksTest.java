package dev.llmproxy.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.RouteTestSupport;
import dev.llmproxy.call.LiveRequests;
import dev.llmproxy.call.RequestLog;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.spi.Registry;
import org.junit.jupiter.api.Test;

/** Hooks are called only when an installation has put steps into them. */
class HooksTest extends RouteTestSupport {
  private final Hooks hooks = new Hooks();

  HooksTest() {
    super(List.of("errors", "hook-request", "hook-settled"), Map.of());
  }

  @Override
  protected void bindToRegistry(Registry registry) {
    registry.bind("requestLog", new RequestLog(new LiveRequests(Clock.systemUTC())));
    registry.bind("usageMeter", new Unused());
    registry.bind("hooks", hooks);
    hooks.setCamelContext(context());
  }

  @Test
  void shippedHooksHaveNoStepsOfTheInstallation() {
    assertThat(hooks.request()).isFalse();
    assertThat(hooks.settled()).isFalse();
  }

  @Test
  void aHookWithAStepIsCalled() throws Exception {
    for (String hook : List.of("hook-request", "hook-settled")) {
      context().getRouteController().stopRoute(hook);
      context().removeRoute(hook);
      context()
          .addRoutes(
              new RouteBuilder() {
                @Override
                public void configure() {
                  from("direct:" + hook).routeId(hook).setHeader("x-hook").constant("set");
                }
              });
    }

    assertThat(hooks.request()).isTrue();
    assertThat(hooks.settled()).isTrue();
  }

  /** The bean that only a failing hook calls. */
  public static final class Unused {
    public void settle() {}
  }
}
