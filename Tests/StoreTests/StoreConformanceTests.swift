import CarillonCore
import CarillonTestSupport
import Foundation
import MemoryStore
import SQLiteStore
import Testing

@Suite struct StoreConformanceTests {
    @Test(arguments: StoreConformance.checks)
    func memory(_ check: Check<any JobStore>) async throws {
        try await check.run(MemoryStore())
    }

    @Test(arguments: StoreConformance.checks)
    func sqlite(_ check: Check<any JobStore>) async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.path + "/carillon.db")
        try await check.run(store)
        try await store.close()
    }
}
