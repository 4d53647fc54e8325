package dev.llmproxy.mcp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.base.Json;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OfferedToolsTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'name': 't'}",
        "{'name': 't', 'inputSchema': null}",
        "{'name': 't', 'inputSchema': {}}",
        "{'name': 't', 'inputSchema': {'type': ['object', 'null']}}",
        "{'name': 't', 'inputSchema': {'$schema': 'https://example.com/unknown', 'type': 'object'}}",
        "{'name': 't', 'inputSchema': {'$schema': 'http://json-schema.org/draft-07/schema#'}}",
        "{'name': 't', 'inputSchema': {'$schema': 'http://json-schema.org/draft-04/schema#', 'properties': {'n': {'minimum': 1, 'exclusiveMinimum': true}}}}",
        "{'name': 't', 'inputSchema': {'properties': {'a': {'$ref': '#/definitions/A'}}, 'definitions': {'A': {'type': 'string'}}}}",
        "{'name': 't', 'inputSchema': {'properties': {'a': {'$ref': '#'}, 'b': {'items': {'$ref': '#/properties/b'}}}}}",
        "{'name': 't', 'inputSchema': {'properties': {'a': {'type': 'string', 'format': 'x-unknown', 'x-order': 1}}}}",
      })
  void oddSchemasAreAccepted(String entry) {
    assertThat(offered(entry).tools()).hasSize(1).containsKey("s_t");
    assertThat(offered(entry).tools().get("s_t").parameters().path("type").asText())
        .isEqualTo("object");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{'name': ' '}",
        "{'name': 't', 'inputSchema': true}",
        "{'name': 't', 'inputSchema': {'type': 'string'}}",
        "{'name': 't', 'inputSchema': {'properties': []}}",
        "{'name': 't', 'inputSchema': {'properties': {'a': {'type': 'text'}}}}",
        "{'name': 't', 'inputSchema': {'properties': {'a': {'$ref': '#/definitions/none'}}}}",
        "{'name': 't', 'inputSchema': {'properties': {'a': {'$ref': 'http://127.0.0.1:1/a.json'}}}}",
        "{'name': 't', 'inputSchema': {'properties': {'a': {'$ref': 'file:///etc/hostname'}}}}",
        "{'name': 't', 'inputSchema': {'properties': {'a': {'pattern': '('}}}}",
      })
  void anUnusableToolIsIgnoredAndTheOthersStay(String entry) {
    assertThat(offered(entry, "{'name': 'good'}").tools()).containsOnlyKeys("s_good");
  }

  @Test
  void schemasAreNotFetched() throws IOException {
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String place = "http://127.0.0.1:" + server.getLocalPort() + "/schema.json";
      offered(
          "{'name': 'a', 'inputSchema': {'$schema': '%s', 'properties': {'a': {'$ref': '%s#/x'}}}}"
              .formatted(place, place),
          "{'name': 'b', 'inputSchema': {'$id': '%s', 'properties': {'a': {'$dynamicRef': 'b.json'}}}}"
              .formatted(place));

      server.setSoTimeout(200);
      assertThat(org.assertj.core.api.Assertions.catchThrowable(server::accept))
          .isInstanceOf(java.net.SocketTimeoutException.class);
    }
  }

  @Test
  void aMissingDescriptionIsReplacedByTitleOrName() {
    OfferedTools offered =
        offered("{'name': 'a', 'title': 'Does a'}", "{'name': 'b', 'description': ''}");

    assertThat(offered.tools().get("s_a").description()).isEqualTo("Does a");
    assertThat(offered.tools().get("s_b").description()).isEqualTo("b of the MCP server s");
  }

  private static OfferedTools offered(String... entries) {
    List<com.fasterxml.jackson.databind.JsonNode> listed = new ArrayList<>();
    for (String entry : entries) {
      try {
        listed.add(Json.parse(entry.replace('\'', '"')));
      } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
        throw new IllegalArgumentException(e);
      }
    }
    return OfferedTools.of("s", listed);
  }
}
