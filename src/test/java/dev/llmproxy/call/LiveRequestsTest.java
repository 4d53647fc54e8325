package dev.llmproxy.call;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.llmproxy.Fixtures;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Who watches requests gets their events; requests neither wait for watchers nor fill memory. */
class LiveRequestsTest {
  private static final Call CHAT =
      Fixtures.chat(
          "{\"model\":\"groq/m\",\"messages\":[{\"role\":\"user\",\"content\":\"secret words\"}]}"
              .getBytes(StandardCharsets.UTF_8));

  private static final RequestContext CONTEXT = context(CHAT);

  private final LiveRequests live =
      new LiveRequests(
          Clock.fixed(CHAT.started().plusMillis(1500), ZoneOffset.UTC), CallObserver.NONE, 3, 5);

  private static RequestContext context(Call call) {
    RequestContext context = new RequestContext("req_1", null, CHAT.started(), Clock.systemUTC());
    if (call != null) {
      context.setCall(call);
    }
    return context;
  }

  @Test
  void eventReadsNothingOfTheCallWhileNobodyWatches() {
    RequestContext untouchable = context(null);

    assertThatCode(
            () -> {
              live.began(untouchable);
              live.attempted(untouchable);
              live.toolStarted(untouchable, "calculator");
              live.toolEnded(untouchable, "calculator", true, Duration.ZERO);
              live.ended(untouchable, null);
            })
        .doesNotThrowAnyException();
  }

  @Test
  void watcherGetsTheEventsInTheirOrderWithTheTimeSinceTheArrival() {
    try (LiveWatch watch = watch("ann@example.com")) {
      live.began(CONTEXT);
      live.toolStarted(CONTEXT, "calculator");
      live.toolEnded(CONTEXT, "calculator", false, Duration.ofMillis(7));

      List<LiveEvent> events = watch.take();
      assertThat(events)
          .extracting(event -> event.getClass().getSimpleName())
          .containsExactly("Began", "ToolStarted", "ToolEnded");
      assertThat(events)
          .allSatisfy(event -> {
            assertThat(event.of().requestId()).isEqualTo(CHAT.requestId());
            assertThat(event.after()).isEqualTo(Duration.ofMillis(1500));
            assertThat(event.toString()).doesNotContain("secret");
          });
      assertThat(watch.take()).isEmpty();
      assertThat(watch.takeDropped()).isZero();
    }
  }

  @Test
  void slowWatcherLosesTheOldestEventsAndLearnsHowMany() {
    try (LiveWatch watch = watch("ann@example.com")) {
      IntStream.range(0, 12).forEach(i -> live.toolStarted(CONTEXT, "tool" + i));

      assertThat(watch.take())
          .extracting(event -> ((LiveEvent.ToolStarted) event).tool())
          .containsExactly("tool7", "tool8", "tool9", "tool10", "tool11");
      assertThat(watch.takeDropped()).isEqualTo(7);
      assertThat(watch.takeDropped()).isZero();
    }
  }

  @Test
  void parallelRequestsLoseNoEventUncounted() throws Exception {
    int threads = 8;
    int each = 2000;
    long all = (long) threads * each;
    List<LiveEvent> taken = new ArrayList<>();
    long dropped = 0;
    try (LiveWatch watch = watch("ann@example.com")) {
      try (ExecutorService requests = Executors.newFixedThreadPool(threads)) {
        for (int i = 0; i < threads; i++) {
          requests.execute(() -> IntStream.range(0, each).forEach(n -> live.began(CONTEXT)));
        }
        while (taken.size() + dropped < all) {
          List<LiveEvent> some = watch.take();
          assertThat(some).hasSizeLessThanOrEqualTo(5);
          taken.addAll(some);
          dropped += watch.takeDropped();
        }
      }
      assertThat(taken.size() + dropped).isEqualTo(all);
      assertThat(watch.take()).isEmpty();
    }
  }

  @Test
  void watcherGetsOnlyWhatItWants() {
    try (LiveWatch tools =
            live.watch("ann@example.com", event -> event instanceof LiveEvent.ToolStarted)
                .orElseThrow();
        LiveWatch nothing = live.watch("bob@example.com", event -> false).orElseThrow()) {
      live.began(CONTEXT);
      live.toolStarted(CONTEXT, "calculator");

      assertThat(tools.take()).hasSize(1);
      assertThat(nothing.take()).isEmpty();
    }
  }

  @Test
  void closedWatchGetsNothingMoreAndMakesRoom() {
    LiveWatch closed = watch("ann@example.com");
    closed.close();
    closed.close();
    live.began(CONTEXT);

    assertThat(closed.take()).isEmpty();
    assertThat(live.watchers()).isZero();
  }

  @Test
  void watchersAreLimitedInAllAndForEachPerson() {
    LiveRequests wide = new LiveRequests(Clock.systemUTC());
    for (int i = 0; i < LiveRequests.MOST_OF_A_PERSON; i++) {
      assertThat(wide.watch("ann@example.com", event -> true)).isPresent();
    }
    assertThat(wide.watch("ann@example.com", event -> true)).isEmpty();
    assertThat(wide.watch("bob@example.com", event -> true)).isPresent();

    LiveWatch first = watch("a@example.com");
    watch("b@example.com");
    watch("c@example.com");
    assertThat(live.watch("d@example.com", event -> true)).isEmpty();
    first.close();
    assertThat(live.watch("d@example.com", event -> true)).isPresent();
  }

  @Test
  void endHasTheRecordOfTheRequest() {
    RequestRecord record =
        new RequestRecord(
            CHAT.requestId(),
            Instant.EPOCH,
            "a@example.com",
            "Key",
            "free",
            "chat",
            "groq/m",
            Status.SUCCESS,
            200,
            null,
            null,
            null,
            1,
            2,
            1,
            0,
            false,
            null,
            5,
            "",
            "");
    try (LiveWatch watch = watch("ann@example.com")) {
      live.ended(CONTEXT, record);

      assertThat(watch.take())
          .singleElement()
          .isInstanceOfSatisfying(
              LiveEvent.Ended.class, ended -> assertThat(ended.record()).isSameAs(record));
    }
  }

  private LiveWatch watch(String person) {
    return live.watch(person, event -> true).orElseThrow();
  }
}
