import Runnable
import Testing

@Suite
struct ListSplitterTests {
    private static let commas: [(String, [String])] = [
        ("a, b,  c", ["a", "b", "c"]), (#"a, "b, c", d"#, ["a", "b, c", "d"]), ("", []), ("a, b, ", ["a", "b", ""]),
        ("foo, bar, baz", ["foo", "bar", "baz"]), ("a ,b\t, c ", ["a ", "b\t", "c "]),
        ("a\nb\r\nc, d\n", ["a", "b", "c", "d"]),
        ("\n\na\n\n\nb", ["a", "b"]), (#""a ""b"" c""#, [#"a "b" c"#]), (#"a "b", c"#, [#"a "b""#, "c"]),
        ("\"a\nb\", c", ["a\nb", "c"]), (#""a"b, c"#, ["ab", "c"]), (#""open, b"#, ["open, b"]), (",", ["", ""]),
        (" ", [""]), ("\"\"", [""]), ("a,\nb", ["a", "", "b"]), ("é, 😀\u{301},e", ["é", "😀\u{301}", "e"]),
    ]
    private static let numbers: [(String, [String])] = [
        ("1. a\n2. b c\n\n10. d", ["a", "b c", "d"]), ("Sure:\n1. a 2. b", ["a 2. b"]), ("", []), ("1.a 1.. 1. ", []),
        ("1.2. x", ["x"]), ("1.\nfoo\n2. \nbar", ["foo"]), ("1.  two spaces ", [" two spaces "]), ("v1. x", ["x"]),
    ]
    private static let marks: [(String, [String])] = [
        ("- a\n* b\n  - c", ["a", "b", "c"]), ("Sure:\n\n- a - b\nno\n- c\n", ["a - b", "c"]), ("x - a", []),
        ("--- \n-a", []),
        ("-\nfoo", ["foo"]), ("- \n- b", ["b"]), ("", []),
    ]

    @Test("LS-134 comma lists", arguments: commas)
    func commaList(_ text: String, _ elements: [String]) { check(text, .commas, elements) }

    @Test("LS-134 numbered lists", arguments: numbers)
    func numberedList(_ text: String, _ elements: [String]) { check(text, .numbers, elements) }

    @Test("LS-134 marked lists", arguments: marks)
    func markedList(_ text: String, _ elements: [String]) { check(text, .marks, elements) }

    @Test("LS-134 an element comes out when its successor begins")
    func streaming() {
        var splitter = ListSplitter()
        #expect(splitter.push("foo, b") == ["foo"])
        #expect(splitter.push("ar,") == ["bar"])
        #expect(splitter.push(" baz\n") == [])
        #expect(splitter.push("x") == ["baz"])
        #expect(splitter.finish() == ["x"])
        var numbered = ListSplitter(.numbers)
        #expect(numbered.push("1. a\n2. ") == [])
        #expect(numbered.push("b") == ["a"])
        #expect(numbered.finish() == ["b"])
    }

    /// Whole, scalar by scalar, and cut at every place.
    private func check(_ text: String, _ style: ListSplitter.Style, _ elements: [String]) {
        #expect(ListSplitter.split(text, style: style) == elements)
        let scalars = Array(text.unicodeScalars)
        var splitter = ListSplitter(style)
        #expect(scalars.flatMap { splitter.push(String($0)) } + splitter.finish() == elements)
        for cut in 0...scalars.count {
            var splitter = ListSplitter(style)
            let first = splitter.push(Pieces.text(scalars[..<cut]))
            #expect(first + splitter.push(Pieces.text(scalars[cut...])) + splitter.finish() == elements)
        }
    }
}
