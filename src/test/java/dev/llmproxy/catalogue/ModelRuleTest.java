package dev.llmproxy.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelRuleTest {
  @ParameterizedTest
  @CsvSource({
    "claude-opus-5,   claude-opus-5,            true",
    "claude-opus-5,   claude-opus-5-5,          false",
    "claude-opus-5*,  claude-opus-5-5,          true",
    "claude-*-4-5*,   claude-haiku-4-5-2025,    true",
    "claude-*-4-5*,   claude-haiku-4-6,         false",
    "*-a*a,           x-a,                      false",
    "*-a*a,           x-aa,                     true",
    "'*',             anything,                 true",
    "a.c,             abc,                      false"
  })
  void starsStandForAnyCharacters(String match, String model, boolean matches)
      throws JsonProcessingException {
    assertThat(rule("match: '" + match + "'").matches(model)).isEqualTo(matches);
  }

  @Test
  void withoutMoreAModelTakesEverythingButThinking() throws JsonProcessingException {
    ModelRule rule = rule("match: a");
    assertThat(rule.thinking()).isEmpty();
    assertThat(rule.sampling()).isTrue();
    assertThat(rule.forcesTools(true)).isTrue();
    assertThat(rule.takesSchema(true)).isTrue();
    assertThat(rule("{match: a, forcedTools: unless-thinking}").forcesTools(true)).isFalse();
    assertThat(rule("{match: a, forcedTools: unless-thinking}").forcesTools(false)).isTrue();
    assertThat(rule("{match: a, jsonSchema: without-tools}").takesSchema(true)).isFalse();
  }

  @Test
  void wrongValuesAreRefused() {
    assertThatThrownBy(() -> rule("{match: a, forcedTools: sometimes}"))
        .hasMessageContaining("forcedTools must be one of always, never, unless-thinking");
    assertThatThrownBy(() -> rule("{sampling: true}")).hasMessageContaining("match");
  }

  private static ModelRule rule(String yaml) throws JsonProcessingException {
    return YAMLMapper.builder().build().readValue(yaml, ModelRule.class);
  }
}
