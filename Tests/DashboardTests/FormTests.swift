import Dashboard
import Testing

/// What browsers send, and what programs write.
@Suite struct FormTests {
    @Test func aFormIsRead() throws {
        let form = try Form(Array("reason=the+database%20moves&to=%2Fjobs%2Fa%252Fb&empty=&%C3%A4=%F0%9F%95%B0".utf8))
        #expect(form["reason"] == "the database moves")
        #expect(form["to"] == "/jobs/a%2Fb")
        #expect(form["empty"] == nil && form["none"] == nil)
        #expect(form["ä"] == "🕰")
        for text in ["reason", "a=%ZZ", "a=%FF", "=%"] {
            #expect(throws: (any Error).self, "\(text)") { try Form(Array(text.utf8)) }
        }
    }

    @Test func aNameSurvivesAnAddress() throws {
        for name in ["a/b <i>&\"c", "täglich +1%", "..", "x?y#z;w=v", "🕰"] {
            let text = Form.encoded(name)
            #expect(text.utf8.allSatisfy { $0 < 0x80 } && !text.contains { "/?#&+<>\" ".contains($0) })
            #expect(try Form(Array("name=\(text)".utf8))["name"] == name)
        }
    }

    @Test(arguments: [
        ("plain\n\ttext ä", "plain\n\ttext ä"), ("\u{1B}[31mred\u{1B}[0m", "red"), ("a\u{1B}]b", "ab"),
        ("a\rb\u{7}", "ab"),
        ("\u{1B}[1;31", ""), ("\u{1B}", ""),
    ]) func whatOnlyATerminalUnderstandsIsLeftOut(_ text: String, _ plain: String) {
        #expect(Plain.text(text) == plain)
    }
}
