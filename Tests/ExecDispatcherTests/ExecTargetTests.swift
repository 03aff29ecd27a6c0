import CarillonCore
import ExecDispatcher
import Testing

/// What no program may be.
@Suite struct ExecTargetTests {
    @Test func whatAnOlderReleaseDidNotWriteHasItsDefault() throws {
        let old = Target(
            kind: ExecTarget.kind, summary: "", body: #"{"command":{"argv":{"_0":["/bin/true"]}}}"#)
        #expect(try old.open(as: ExecTarget.self) == ExecTarget(.argv(["/bin/true"])))
    }

    @Test(arguments: [
        ExecTarget(.argv([])), ExecTarget(.argv([""])), ExecTarget(.shell("a\0b")),
        ExecTarget(.shell("a"), successCodes: [256]),
    ])
    func eachFaultIsSaid(_ program: ExecTarget) {
        #expect(program.fault != nil)
        #expect(throws: TargetFault.self) { try Target(program) }
    }
}
