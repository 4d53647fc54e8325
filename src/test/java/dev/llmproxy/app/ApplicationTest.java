package dev.llmproxy.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.llmproxy.base.Settings;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ApplicationTest {
  @Test
  void invalidProxyAddressFailsStartupBeforeAnythingIsOpened(@TempDir Path folder) {
    Path data = folder.resolve("data");
    Settings settings =
        Settings.load(
            Path.of(""),
            Map.of("LLMPROXY_DATA", data.toString(), "https_proxy", "socks5://proxy:1080"));

    assertThatExceptionOfType(Settings.SettingException.class)
        .isThrownBy(() -> Application.open(settings))
        .withMessageStartingWith("https_proxy is no address of an HTTP proxy");
    assertThat(data).doesNotExist();
  }
}
