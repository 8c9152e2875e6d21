import JSON
import Testing

@Test func readsAnObject() throws {
    let reader = JSONReader()
    let text = Array(#"{"a": [1, "b\n", null], "c": true}"#.utf8)
    try reader.read(text) { root in
        #expect(root["a"]?[0]?.int == 1)
        #expect(root["a"]?[1]?.string == "b\n")
        #expect(root["c"]?.bool == true)
    }
}
