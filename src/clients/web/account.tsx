/** This user's own card: role, password, devices, whom one has blocked, what the chat keeps, and leaving for good. */
import type { ComponentChildren } from "preact";
import { isModerator } from "../view/rights.js";
import { ChangePassword, Devices } from "./account-login.js";
import { Sanctions } from "./moderation.js";
import { Blocked } from "./blocking.js";
import { Export, LeaveForGood } from "./own-data.js";
import { useChat } from "./chat-session.js";
import { Dialog } from "./dialog.js";
import { Fold } from "./fold.js";
import { Face } from "./icons.js";
import { hasAccounts } from "./proof.js";

export function Account({ onClose }: { readonly onClose: () => void }): ComponentChildren {
  const { view, t } = useChat();
  return (
    <Dialog labelledBy="account-name" onClose={onClose}>
      <Face name={view.me} />
      <h2 id="account-name">
        <bdi>{view.me}</bdi>
      </h2>
      {isModerator(view) && <p class="card-status">{t.role[view.role!]}</p>}
      {isModerator(view) && (
        <Fold title={t.sanctions}>
          <Sanctions />
        </Fold>
      )}
      {hasAccounts && (
        <>
          <Fold title={t.changePassword}>
            <ChangePassword name={view.me} />
          </Fold>
          <Fold title={t.devices}>
            <Devices />
          </Fold>
        </>
      )}
      <Fold title={t.blocked}>
        <Blocked />
      </Fold>
      <Fold title={t.exportData}>
        <Export />
      </Fold>
      <Fold title={t.leaveForGood}>
        <LeaveForGood />
      </Fold>
    </Dialog>
  );
}
