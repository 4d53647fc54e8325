package dev.llmproxy.sdk;

import static dev.llmproxy.sdk.Gateway.CLIENT;
import static dev.llmproxy.sdk.Gateway.MODEL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.errors.BadRequestException;
import com.openai.models.embeddings.CreateEmbeddingResponse;
import com.openai.models.embeddings.EmbeddingCreateParams;
import com.openai.models.embeddings.EmbeddingCreateParams.EncodingFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EmbeddingsTest {
  private static final String LOCAL_EMBEDDING_MODEL = "local/all-minilm-l6-v2";

  @ParameterizedTest
  @ValueSource(strings = {"", "[[script encoding=float]] ", "[[script encoding=base64]] "})
  void encodingIsTheRequestedOne(String habit) {
    // Without a format the SDK requests base64 and decodes it.
    CreateEmbeddingResponse decoded =
        CLIENT.embeddings().create(ask(MODEL, List.of(habit + "one", "two")).build()).validate();
    CreateEmbeddingResponse floats =
        CLIENT
            .embeddings()
            .create(
                ask(MODEL, List.of(habit + "one", "two"))
                    .encodingFormat(EncodingFormat.FLOAT)
                    .build())
            .validate();

    assertThat(decoded.data()).hasSize(2);
    assertThat(decoded.data().get(0).embedding()).hasSize(8);
    assertThat(decoded.data().get(1).index()).isEqualTo(1);
    for (int i = 0; i < 2; i++) {
      assertThat(decoded.data().get(i).embedding()).isEqualTo(floats.data().get(i).embedding());
    }
    assertThat(decoded.usage().totalTokens()).isPositive();
  }

  @Test
  void localModel() {
    Gateway.optional("LLMPROXY_LOCAL_MODEL");

    CreateEmbeddingResponse reply =
        CLIENT
            .embeddings()
            .create(
                ask(
                        LOCAL_EMBEDDING_MODEL,
                        List.of(
                            "The cat sleeps", "A kitten is sleeping", "Income tax is due in April"))
                    .build())
            .validate();

    List<Float> cat = reply.data().get(0).embedding();
    assertThat(cat).hasSize(384);
    assertThat(cosine(cat, reply.data().get(1).embedding())).isGreaterThan(0.7);
    assertThat(cosine(cat, reply.data().get(2).embedding())).isLessThan(0.1);
  }

  @Test
  void badRequestNamesTheField() {
    assertThatThrownBy(() -> CLIENT.embeddings().create(ask(MODEL, List.of()).build()))
        .isInstanceOfSatisfying(
            BadRequestException.class, e -> assertThat(e.param()).hasValue("input"));
  }

  private static EmbeddingCreateParams.Builder ask(String model, List<String> texts) {
    return EmbeddingCreateParams.builder().model(model).inputOfArrayOfStrings(texts);
  }

  /** The vectors have unit length. */
  private static double cosine(List<Float> one, List<Float> other) {
    double sum = 0;
    for (int i = 0; i < one.size(); i++) {
      sum += (double) one.get(i) * other.get(i);
    }
    return sum;
  }
}
