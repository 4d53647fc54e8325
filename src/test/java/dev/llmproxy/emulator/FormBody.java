package dev.llmproxy.emulator;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Sha256;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A form with files as a JSON object: a text for each text, and for each file an object with its
 * name, type, size and hash. A name that comes more than once has an array.
 */
final class FormBody {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern BOUNDARY = Pattern.compile("boundary=\"?([^\";]+)\"?");
  private static final Pattern NAME = Pattern.compile("[; ]name=\"([^\"]*)\"");
  private static final Pattern FILE = Pattern.compile("filename=\"([^\"]*)\"");
  private static final Pattern TYPE = Pattern.compile("(?i)content-type: *(.*)");

  private FormBody() {}

  /** Parses the body of a request. */
  static ObjectNode of(String contentType, byte[] body) {
    Matcher boundary = BOUNDARY.matcher(contentType);
    if (!boundary.find()) {
      throw new IllegalArgumentException("no boundary in " + contentType);
    }
    String text = new String(body, ISO_8859_1);
    String end = "--" + boundary.group(1) + "--";
    if (!text.contains(end)) {
      throw new IllegalArgumentException("the form has no end");
    }
    ObjectNode form = JSON.createObjectNode();
    String[] parts =
        text.substring(0, text.indexOf(end))
            .split("--" + Pattern.quote(boundary.group(1)) + "\r\n", -1);
    for (int i = 1; i < parts.length; i++) {
      int head = parts[i].indexOf("\r\n\r\n");
      String headers = new String(parts[i].substring(0, head).getBytes(ISO_8859_1), UTF_8);
      byte[] content = parts[i].substring(head + 4, parts[i].length() - 2).getBytes(ISO_8859_1);
      add(form, headers, content);
    }
    return form;
  }

  private static void add(ObjectNode form, String headers, byte[] content) {
    String name = found(NAME, headers);
    String file = found(FILE, headers);
    ObjectNode part = JSON.createObjectNode();
    if (file == null) {
      part.put("value", new String(content, UTF_8));
    } else {
      part.putObject("value")
          .put("file", file)
          .put("type", found(TYPE, headers))
          .put("bytes", content.length)
          .put("sha256", Sha256.hex(content));
    }
    if (form.has(name)) {
      if (!form.get(name).isArray()) {
        form.set(name, JSON.createArrayNode().add(form.get(name)));
      }
      ((ArrayNode) form.get(name)).add(part.get("value"));
    } else {
      form.set(name, part.get("value"));
    }
  }

  private static String found(Pattern pattern, String headers) {
    Matcher matcher = pattern.matcher(headers);
    return matcher.find() ? matcher.group(1).strip() : null;
  }
}
