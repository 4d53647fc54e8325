package dev.llmproxy.sdk;

import static dev.llmproxy.sdk.Gateway.CLIENT;
import static dev.llmproxy.sdk.Gateway.ask;
import static dev.llmproxy.sdk.Gateway.stream;
import static org.assertj.core.api.Assertions.assertThat;

import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.chat.completions.StructuredChatCompletion;
import com.openai.models.chat.completions.StructuredChatCompletionCreateParams;
import org.junit.jupiter.api.Test;

/** The scripted provider creates its answer from the received schema. */
class JsonSchemaTest {
  /** The SDK creates the schema from the public fields, and an object from the answer. */
  public static final class City {
    public String city;
    public int people;
    public boolean capital;
  }

  private static final StructuredChatCompletionCreateParams<City> CITY =
      ask("[[script json=1]]").responseFormat(City.class).build();

  @Test
  void answerIsAnObjectOfTheRequestedClass() {
    assertParis(CLIENT.chat().completions().create(CITY).validate());
  }

  @Test
  void streamedAnswerIsAnObjectOfTheRequestedClass() {
    ChatCompletionAccumulator accumulator = ChatCompletionAccumulator.create();
    stream(CITY.rawParams()).forEach(accumulator::accumulate);

    assertParis(accumulator.chatCompletion(City.class).validate());
  }

  private static void assertParis(StructuredChatCompletion<City> completion) {
    City answer = completion.choices().getFirst().message().content().orElseThrow();
    assertThat(answer.city).isEqualTo("Paris");
    assertThat(answer.people).isEqualTo(42);
    assertThat(answer.capital).isTrue();
  }
}
