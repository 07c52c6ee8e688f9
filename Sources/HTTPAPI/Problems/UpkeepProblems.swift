import HTTPTypes
import Upkeep

extension BackupFailure: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .outputExists:
            Problem(.conflict, "backup_exists", "There is a file with this name.", detail: description)
        case .busy:
            Problem(.conflict, "backup_running", "Another backup is being made.")
        case .outputUnwritable, .unreadable:
            Problem(
                .unprocessableContent, "backup_not_written", "The backup could not be written.", detail: description)
        case .malformed, .altered, .newerFormat, .databaseSwapped, .notOpened, .targetNotEmpty, .targetShared,
            .damaged:
            // What only a restore meets, and that goes through no server.
            .internalError
        }
    }
}
