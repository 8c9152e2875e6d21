import Runnable
import Testing

@Suite
struct JSONPatchTests {
    @Test(
        "differences are those of a growing document",
        arguments: [
            (nil, "{}", #"[{"op":"replace","path":"","value":{}}]"#),
            ("{}", #"{"a":[1]}"#, #"[{"op":"add","path":"/a","value":[1]}]"#),
            (#"{"a":[1]}"#, #"{"a":[1,{}]}"#, #"[{"op":"add","path":"/a/1","value":{}}]"#),
            (#"{"a":[1,{"b":"x"}]}"#, #"{"a":[1,{"b":"xy"}]}"#, #"[{"op":"replace","path":"/a/1/b","value":"xy"}]"#),
            (
                #"{"a":"x"}"#, #"{"a":"xy","b":1}"#,
                #"[{"op":"add","path":"/b","value":1},{"op":"replace","path":"/a","value":"xy"}]"#
            ),
            ("1", "12", #"[{"op":"replace","path":"","value":12}]"#), (#"{"a":1}"#, #"{"a":1}"#, "[]"),
            (
                #"{"a":1,"b":2}"#, #"{"b":2,"c":3}"#,
                #"[{"op":"remove","path":"/a"},{"op":"add","path":"/c","value":3}]"#
            ),
            ("[1,2,3]", "[1]", #"[{"op":"remove","path":"/1"},{"op":"remove","path":"/1"}]"#),
            (#"{"a":[]}"#, #"{"a":{}}"#, #"[{"op":"replace","path":"/a","value":{}}]"#),
            ("[true]", "[1]", #"[{"op":"replace","path":"/0","value":1}]"#),
            (
                "{}", #"{"a/b~c":1,"":2}"#,
                #"[{"op":"add","path":"/a~1b~0c","value":1},{"op":"add","path":"/","value":2}]"#
            ),
        ] as [(String?, String, String)]
    )
    func differences(_ old: String?, _ new: String, _ expected: String) throws {
        let old = try old.map { try Value(parsing: $0) }
        let new = try Value(parsing: new)
        let patch = JSONPatch.difference(from: old, to: new)
        #expect(Value.array(patch.map(\.wireValue)).jsonText == expected)
        #expect(try JSONPatch.apply(patch, to: old) == new)
        #expect(patch.map { JSONPatchOperation(wireValue: $0.wireValue) } == patch)
    }

    @Test("operations of streamed logs are applied")
    func applying() throws {
        let operations: [JSONPatchOperation] = [
            .replace(path: "", value: ["out": [], "final": nil]), .add(path: "/out/-", value: "b"),
            .add(path: "/out/0", value: "a"),
            .replace(path: "/final", value: "ab"), .add(path: "/final", value: "abc"), .remove(path: "/out/1"),
        ]
        #expect(try JSONPatch.apply(operations, to: nil) == ["out": ["a"], "final": "abc"])
        #expect(try JSONPatch.apply([.remove(path: "")], to: 1) == nil)
    }

    @Test(
        "paths that lead nowhere are errors",
        arguments: [
            "a", "/b", "/a/2", "/a/-", "/a/01", "/a/x", "/a/0/x", "/~", "/a~2", "/a/", "/a/-1",
            "/a/99999999999999999999",
        ]
    )
    func refusing(_ path: String) {
        #expect(throws: JSONPatchError.self) {
            try JSONPatch.apply([.replace(path: path, value: 1)], to: ["a": [1, 2]])
        }
        #expect(throws: JSONPatchError.self) {
            try JSONPatch.apply([.add(path: path + "/y", value: 1)], to: ["a": [1, 2]])
        }
        #expect(throws: JSONPatchError.self) { try JSONPatch.apply([.remove(path: path)], to: nil) }
        #expect(throws: JSONPatchError.self) { try JSONPatch.apply([.add(path: "/a/3", value: 1)], to: ["a": [1, 2]]) }
    }

    @Test(
        "what is no operation is refused",
        arguments: ["1", "{}", #"{"op":"move","path":""}"#, #"{"op":"add","path":"/a"}"#]
    )
    func wire(_ text: String) throws {
        #expect(try JSONPatchOperation(wireValue: Value(parsing: text)) == nil)
    }
}
