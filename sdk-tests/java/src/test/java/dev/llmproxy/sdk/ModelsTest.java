package dev.llmproxy.sdk;

import static dev.llmproxy.sdk.Gateway.CLIENT;
import static dev.llmproxy.sdk.Gateway.MODEL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.errors.NotFoundException;
import com.openai.models.models.Model;
import org.junit.jupiter.api.Test;

class ModelsTest {
  @Test
  void listsModels() {
    var page = CLIENT.models().list();

    assertThat(page.response().validate().data())
        .extracting(Model::id)
        .contains("openai/gpt-4o-mini", "openai/text-embedding-3-small");
    assertThat(page.autoPager()).containsExactlyElementsOf(page.data());
  }

  @Test
  void retrievesAModelWithASlashInItsId() {
    assertThat(MODEL).contains("/");
    assertThat(CLIENT.models().retrieve(MODEL).validate().id()).isEqualTo(MODEL);
  }

  @Test
  void retrievesTheLocalModel() {
    String local = Gateway.optional("LLMPROXY_LOCAL_MODEL");

    assertThat(CLIENT.models().retrieve(local).validate().id()).isEqualTo(local);
  }

  @Test
  void unknownModel() {
    assertThatThrownBy(() -> CLIENT.models().retrieve("nobody/nothing"))
        .isInstanceOf(NotFoundException.class);
  }
}
