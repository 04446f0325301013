// Activity tracking and the idle timeout. Load this file before desk.js and family.js, which share it.
/* exported sessionTimeout */
const sessionTimeout = (() => {
  const MINUTE = 60 * 1000;
  const WARN_BEFORE = 2 * MINUTE;
  const ACTIVITY_EVENTS = ["keydown", "pointerdown"];

  // Remember when the page was last used. `onActivity` gets the idle time before the event, in milliseconds.
  const trackActivity = ({ events = ACTIVITY_EVENTS, onActivity = () => {} } = {}) => {
    let lastActivityAt = Date.now();
    const getIdleTime = () => Date.now() - lastActivityAt;
    const recordActivity = () => {
      lastActivityAt = Date.now();
    };
    const handleActivity = () => {
      const idleTime = getIdleTime();
      recordActivity();
      onActivity(idleTime);
    };
    for (const event of events) document.addEventListener(event, handleActivity, { passive: true });
    return {
      getIdleTime,
      recordActivity,
      getLastActivityAt: () => lastActivityAt,
    };
  };

  // Ping the server when a ping is due, warn two minutes before the idle limit, and end the session at the limit.
  // The warning is required by WCAG 2.2.1. All times are in milliseconds.
  const watchSession = ({
    idleLimit,
    checkEvery,
    getIdleTime,
    isPingDue,
    ping,
    showWarning,
    endSession = () => {},
  }) => {
    setInterval(() => {
      if (isPingDue()) ping();
      const idleTime = getIdleTime();
      if (idleTime >= idleLimit - WARN_BEFORE) showWarning();
      if (idleTime >= idleLimit) endSession();
    }, checkEvery);
  };

  return { MINUTE, ACTIVITY_EVENTS, trackActivity, watchSession };
})();
