package dev.llmproxy.format.responses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Caller;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

class ResponseMemoryTest {
  private static final Caller ANN = new Caller("ann@example.com", "a", "hash-a", "free");
  private static final Caller BOB = new Caller("bob@example.com", "b", "hash-b", "free");
  private static final long MANY_BYTES = 1 << 20;

  private final AtomicLong nanos = new AtomicLong();

  private ResponseMemory memory(long mostBytes) {
    return new ResponseMemory(Duration.ofMinutes(60), mostBytes, nanos::get);
  }

  private void pass(Duration time) {
    nanos.addAndGet(time.toNanos());
  }

  private static void keep(ResponseMemory memory, String id, String previous, String text) {
    ArrayNode input = Json.array();
    input.addObject().put("role", "user").put("content", text);
    ObjectNode response = Json.object().put("id", id);
    response.putArray("output").addObject().put("id", id.replace("resp", "msg") + "_0");
    memory.keep(ANN, previous, input, response);
  }

  @Test
  void aResponseIsForgottenAnHourAfterItsLastUse() {
    ResponseMemory memory = memory(MANY_BYTES);
    keep(memory, "resp_1", null, "hi");

    pass(Duration.ofMinutes(59));
    assertThat(memory.find(ANN, "resp_1")).isPresent();
    pass(Duration.ofMinutes(59));
    assertThat(memory.item(ANN, "msg_1_0")).isPresent();
    pass(Duration.ofMinutes(61));
    assertThat(memory.find(ANN, "resp_1")).isEmpty();
    assertThat(memory.item(ANN, "msg_1_0")).isEmpty();
  }

  @Test
  void aLongConversationIsStoredOnceAndItsTurnsStayTogether() {
    ResponseMemory memory = memory(MANY_BYTES);
    keep(memory, "resp_1", null, "one");
    keep(memory, "resp_2", "resp_1", "two");
    keep(memory, "resp_3", "resp_2", "three");

    assertThat(memory.chain(ANN, "resp_3", MANY_BYTES))
        .extracting(turn -> turn.input().at("/0/content").asText())
        .containsExactly("one", "two", "three");
    assertThat(memory.find(ANN, "resp_3").orElseThrow().input()).hasSize(1);
    assertThatExceptionOfType(ResponseMemory.TooLargeException.class)
        .isThrownBy(() -> memory.chain(ANN, "resp_3", 600));
  }

  @Test
  void aConversationEndsWhereATurnIsGone() {
    ResponseMemory memory = memory(MANY_BYTES);
    keep(memory, "resp_1", null, "one");
    keep(memory, "resp_2", "resp_1", "two");

    assertThat(memory.forget(ANN, "resp_1")).isTrue();
    assertThat(memory.chain(ANN, "resp_2", MANY_BYTES)).isEmpty();
  }

  @Test
  void anotherKeyFindsNothing() {
    ResponseMemory memory = memory(MANY_BYTES);
    keep(memory, "resp_1", null, "one");

    assertThat(memory.find(BOB, "resp_1")).isEmpty();
    assertThat(memory.item(BOB, "msg_1_0")).isEmpty();
    assertThat(memory.chain(BOB, "resp_1", MANY_BYTES)).isEmpty();
    assertThat(memory.forget(BOB, "resp_1")).isFalse();
    assertThat(memory.find(ANN, "resp_1")).isPresent();
  }

  @Test
  void theMemoryIsBoundedInBytes() {
    ResponseMemory memory = memory(10_000);
    for (int i = 0; i < 100; i++) {
      keep(memory, "resp_" + i, null, "x".repeat(1000));
    }

    Awaitility.await()
        .untilAsserted(() -> {
          int found = 0;
          for (int i = 0; i < 100; i++) {
            found += memory.find(ANN, "resp_" + i).isPresent() ? 1 : 0;
          }
          assertThat(found).isBetween(1, 7);
        });
  }

  @Test
  void aMemoryWithoutTimeRemembersNothing() {
    ResponseMemory off = new ResponseMemory(Duration.ZERO);
    keep(off, "resp_1", null, "one");

    assertThat(off.isOn()).isFalse();
    assertThat(off.find(ANN, "resp_1")).isEmpty();
  }
}
