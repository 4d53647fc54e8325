package dev.llmproxy.migration;

import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.workbook.ApiKeySheet;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * An API key that clients keep. Only its hash is known or kept.
 *
 * @param hash lower-case hex sha256 of the key
 * @param mask enough to recognise the key, never the key itself
 * @param email the owner's address
 * @param name the key's name
 * @param cells further cells of its row by their headers
 */
public record ImportedKey(
    String hash, String mask, String email, String name, Map<String, String> cells) {
  public ImportedKey {
    cells = Map.copyOf(cells);
  }

  /** A key in clear, of which only the hash and the mask are kept. */
  static ImportedKey ofClear(String key, String email, String name, Map<String, String> cells) {
    return new ImportedKey(ApiKey.hash(key), ApiKey.mask(key), email, name, cells);
  }

  /** The cells of its row in the sheet of keys, by their headers. */
  public Map<String, String> row() {
    Map<String, String> row = new LinkedHashMap<>();
    row.put(ApiKeySheet.API_KEY, mask + " sha256:" + hash);
    row.put(ApiKeySheet.USER_EMAIL, email);
    row.put(ApiKeySheet.KEY_NAME, name);
    row.putAll(new java.util.TreeMap<>(cells));
    return row;
  }
}
