package dev.llmproxy.mcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ToolNamesTest {
  @Test
  void namesAreServerAndToolInAllowedCharacters() {
    assertThat(ToolNames.of("My files", List.of("read.file", "naïve/ü")))
        .isEqualTo(Map.of("read.file", "My_files_read_file", "naïve/ü", "My_files_na_ve__"));
  }

  @Test
  void longNamesAreCutAndStayUnique() {
    String beginning = "x".repeat(80);
    Map<String, String> names = ToolNames.of("s", List.of(beginning + "1", beginning + "2"));

    assertThat(names.values())
        .doesNotHaveDuplicates()
        .allMatch(name -> name.matches("[A-Za-z0-9_-]{64}"));
  }

  @Test
  void duplicateNamesGetTheSameSuffixesInAnyOrder() {
    Map<String, String> names = ToolNames.of("s", List.of("a.b", "a/b", "a_b"));

    assertThat(names.values()).doesNotHaveDuplicates().contains("s_a_b");
    assertThat(ToolNames.of("s", List.of("a_b", "a/b", "a.b"))).isEqualTo(names);
  }
}
